//! Services and checks between the API's form and the model's.

use serde_json::Value as Json;

use super::from_model::{list as list_to_api, map as map_to_api, text as text_to_api};
use super::into_model::{Problems, text, text_map, texts};
use super::kept::{Other, give_back, keep};
use super::nanos::Nanos;
use super::types::{ApiCheck, ApiCheckRestart, ApiService};
use crate::model::service::{CheckRestart, Service, ServiceCheck, ServiceProvider};

const PROVIDERS: &[(&str, ServiceProvider)] = &[("consul", ServiceProvider::Consul), ("nomad", ServiceProvider::Nomad)];

/// Calls `visit` with each field of a service that the model has no room for.
fn service_extras(api: &mut ApiService, mut visit: impl FnMut(&'static str, &mut Option<Json>)) {
    visit("Connect", &mut api.connect);
    visit("EnableTagOverride", &mut api.enable_tag_override);
    visit("TaggedAddresses", &mut api.tagged_addresses);
    visit("Weights", &mut api.weights);
    visit("Identity", &mut api.identity);
    visit("Cluster", &mut api.cluster);
    visit("Kind", &mut api.kind);
}

/// The same of a check.
fn check_extras(api: &mut ApiCheck, mut visit: impl FnMut(&'static str, &mut Option<Json>)) {
    visit("AddressMode", &mut api.address_mode);
    visit("Expose", &mut api.expose);
    visit("TLSServerName", &mut api.tls_server_name);
    visit("GRPCService", &mut api.grpc_service);
    visit("GRPCUseTLS", &mut api.grpc_use_tls);
    visit("SuccessBeforePassing", &mut api.success_before_passing);
    visit("FailuresBeforeCritical", &mut api.failures_before_critical);
    visit("FailuresBeforeWarning", &mut api.failures_before_warning);
    visit("Notes", &mut api.notes);
}

pub fn to_model(services: Option<Vec<ApiService>>, other: &mut Other, at: &mut Problems<'_>) -> Vec<Service> {
    let mut list = Vec::new();
    for (index, mut api) in services.unwrap_or_default().into_iter().enumerate() {
        service_extras(&mut api, |name, value| keep(other, format!("Services[{index}].{name}"), value.take()));
        let mut here = at.inside(format!("service[{index}]"));
        let mut checks = Vec::new();
        for (position, mut spec) in api.checks.unwrap_or_default().into_iter().enumerate() {
            check_extras(&mut spec, |name, value| keep(other, format!("Services[{index}].Checks[{position}].{name}"), value.take()));
            checks.push(check(spec, &mut here.inside(format!("check[{position}]"))));
        }
        list.push(Service {
            provider: here.variant("provider", api.provider.as_deref(), PROVIDERS),
            name: text(api.name),
            port_label: text(api.port_label),
            tags: texts(api.tags),
            canary_tags: texts(api.canary_tags),
            meta: text_map(api.meta),
            canary_meta: text_map(api.canary_meta),
            address_mode: text(api.address_mode),
            address: text(api.address),
            task: text(api.task_name),
            on_update: text(api.on_update),
            checks,
        });
    }
    list
}

fn check(api: ApiCheck, at: &mut Problems<'_>) -> ServiceCheck {
    ServiceCheck {
        check_restart: api.check_restart.map(|restart| CheckRestart {
            limit: at.inside("check_restart").integer("limit", restart.limit),
            grace: restart.grace.unwrap_or_default().0,
            ignore_warnings: restart.ignore_warnings.unwrap_or_default(),
        }),
        name: text(api.name),
        kind: text(api.r#type),
        path: text(api.path),
        method: text(api.method),
        protocol: text(api.protocol),
        port_label: text(api.port_label),
        command: text(api.command),
        args: texts(api.args),
        header: api.header.unwrap_or_default().into_iter().map(|(name, values)| (name.into(), texts(Some(values)))).collect(),
        body: text(api.body),
        task: text(api.task_name),
        interval: api.interval.unwrap_or_default().0,
        timeout: api.timeout.unwrap_or_default().0,
        on_update: text(api.on_update),
        initial_status: text(api.initial_status),
        tls_skip_verify: api.tls_skip_verify.unwrap_or_default(),
    }
}

pub fn to_api(services: &[Service], other: &Other) -> Option<Vec<ApiService>> {
    let list = services.iter().enumerate().map(|(index, service)| service_to_api(service, index, other)).collect::<Vec<_>>();
    (!list.is_empty()).then_some(list)
}

fn service_to_api(service: &Service, index: usize, other: &Other) -> ApiService {
    let mut checks = Vec::new();
    for (position, check) in service.checks.iter().enumerate() {
        let mut api = check_to_api(check);
        check_extras(&mut api, |name, value| *value = give_back(other, &format!("Services[{index}].Checks[{position}].{name}")));
        checks.push(api);
    }
    let mut api = ApiService {
        name: text_to_api(&service.name),
        provider: super::policies::name_of(PROVIDERS, service.provider),
        port_label: text_to_api(&service.port_label),
        tags: list_to_api(&service.tags),
        canary_tags: list_to_api(&service.canary_tags),
        meta: map_to_api(&service.meta),
        canary_meta: map_to_api(&service.canary_meta),
        address_mode: text_to_api(&service.address_mode),
        address: text_to_api(&service.address),
        task_name: text_to_api(&service.task),
        on_update: text_to_api(&service.on_update),
        checks: (!checks.is_empty()).then_some(checks),
        ..ApiService::default()
    };
    service_extras(&mut api, |name, value| *value = give_back(other, &format!("Services[{index}].{name}")));
    api
}

fn check_to_api(check: &ServiceCheck) -> ApiCheck {
    let header = check.header.iter().map(|(name, values)| (name.to_string(), values.iter().map(ToString::to_string).collect()));
    ApiCheck {
        name: text_to_api(&check.name),
        r#type: text_to_api(&check.kind),
        path: text_to_api(&check.path),
        method: text_to_api(&check.method),
        protocol: text_to_api(&check.protocol),
        port_label: text_to_api(&check.port_label),
        command: text_to_api(&check.command),
        args: list_to_api(&check.args),
        header: (!check.header.is_empty()).then(|| header.collect()),
        body: text_to_api(&check.body),
        task_name: text_to_api(&check.task),
        interval: Some(Nanos(check.interval)),
        timeout: Some(Nanos(check.timeout)),
        on_update: text_to_api(&check.on_update),
        initial_status: text_to_api(&check.initial_status),
        tls_skip_verify: Some(check.tls_skip_verify),
        check_restart: check.check_restart.as_ref().map(|restart| ApiCheckRestart {
            limit: Some(i64::from(restart.limit)),
            grace: Some(Nanos(restart.grace)),
            ignore_warnings: Some(restart.ignore_warnings),
        }),
        ..ApiCheck::default()
    }
}
