//! Jobs made by dice: every field of the model takes many values.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::group::{Scaling, VolumeRequest};
use crate::model::job::{Parameterized, Periodic};
use crate::model::network::Dns;
use crate::model::policy::{
    DelayFunction, DisconnectStrategy, HealthCheck, MigrateStrategy, Reconcile, ReschedulePolicy, RestartMode, RestartPolicy,
    UpdateStrategy,
};
use crate::model::service::{CheckRestart, Service, ServiceCheck, ServiceProvider};
use crate::model::task::{Artifact, LogConfig, Template, VolumeMount};
use crate::model::{
    Affinity, ConfigValue, Constraint, EphemeralDisk, Job, JobKey, JobStatus, JobType, Lifecycle, LifecycleHook, MebiBytes, MegaHertz,
    Network, NetworkMode, Operand, Port, Spread, SpreadTarget, Task, TaskGroup, TaskResources, Text,
};
use crate::model::{DeviceAsk, DeviceShare, NumaAffinity, NumaAsk};
use crate::util::clock::Timestamp;
use crate::util::random::split_mix;

pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = split_mix(self.0);
        self.0 % sides
    }

    fn yes(&mut self) -> bool {
        self.roll(2) == 0
    }

    fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[usize::try_from(self.roll(items.len() as u64)).unwrap()]
    }

    fn name(&mut self) -> Text {
        self.pick(&["a", "web", "größe", "x y", "${attr.x}", "\"quoted\"\n", "0"]).into()
    }

    /// A name, or nothing.
    fn text(&mut self) -> Text {
        if self.yes() { self.name() } else { "".into() }
    }

    fn duration(&mut self) -> Duration {
        let nanos = self.roll(1 << 50);
        Duration::from_nanos(self.pick(&[0, 1, 5_000_000_000, nanos, i64::MAX as u64]))
    }

    fn number(&mut self) -> u32 {
        let any = self.roll(1 << 32) as u32;
        self.pick(&[0, 1, 7, any])
    }

    fn list<T>(&mut self, mut make: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..self.roll(3)).map(|_| make(self)).collect()
    }

    fn maybe<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.yes() { Some(make(self)) } else { None }
    }

    fn texts(&mut self) -> Vec<Text> {
        self.list(Self::text)
    }

    fn text_map(&mut self) -> BTreeMap<Text, Text> {
        self.list(|dice| (dice.text(), dice.text())).into_iter().collect()
    }

    fn config(&mut self, depth: u32) -> ConfigValue {
        match self.roll(if depth == 0 { 5 } else { 7 }) {
            0 => ConfigValue::Null,
            1 => ConfigValue::Bool(self.yes()),
            2 => ConfigValue::Int(self.0 as i64),
            3 => ConfigValue::Float(self.pick(&[0.5, -1.0, 1e300, 1.0])),
            4 => ConfigValue::String(self.text().to_string()),
            5 => ConfigValue::List(self.list(|dice| dice.config(depth - 1))),
            _ => self.config_map(depth - 1),
        }
    }

    fn config_map(&mut self, depth: u32) -> ConfigValue {
        ConfigValue::Map(self.list(|dice| (dice.text().to_string(), dice.config(depth))).into_iter().collect())
    }

    /// Something under one of the names of kept stanzas.
    fn other(&mut self, names: &[&str]) -> BTreeMap<Text, ConfigValue> {
        let kept =
            ConfigValue::Map(BTreeMap::from([("Policies".to_owned(), ConfigValue::Bool(true)), ("More".to_owned(), self.config(2))]));
        self.maybe(|dice| (Text::from(dice.pick(names)), kept)).into_iter().collect()
    }

    fn operand(&mut self) -> Operand {
        self.pick(&Operand::NAMES).1
    }

    fn constraint(&mut self) -> Constraint {
        Constraint { left: self.text(), operand: self.operand(), right: self.text() }
    }

    fn affinity(&mut self) -> Affinity {
        Affinity { left: self.text(), operand: self.operand(), right: self.text(), weight: self.pick(&[-100, 1, 50]) }
    }

    fn spread(&mut self) -> Spread {
        let target = |dice: &mut Self| SpreadTarget { value: dice.text(), percent: dice.pick(&[0, 50, 100]) };
        Spread { attribute: self.text(), weight: self.pick(&[1, 50, 100]), targets: self.list(target) }
    }

    fn health_check(&mut self) -> HealthCheck {
        self.pick(&[HealthCheck::Checks, HealthCheck::TaskStates, HealthCheck::Manual])
    }

    fn update(&mut self) -> UpdateStrategy {
        UpdateStrategy {
            stagger: self.duration(),
            max_parallel: self.number().max(1),
            health_check: self.health_check(),
            min_healthy_time: self.duration(),
            healthy_deadline: self.duration(),
            progress_deadline: self.duration(),
            auto_revert: self.yes(),
            auto_promote: self.yes(),
            canary: self.number(),
        }
    }

    fn restart(&mut self) -> RestartPolicy {
        RestartPolicy {
            attempts: self.number(),
            interval: self.duration(),
            delay: self.duration(),
            mode: self.pick(&[RestartMode::Fail, RestartMode::Delay]),
            render_templates: self.yes(),
        }
    }

    pub fn job(&mut self) -> Job {
        let job_type = self.pick(&[JobType::Service, JobType::Batch, JobType::System, JobType::SysBatch]);
        let rolls_out = matches!(job_type, JobType::Service | JobType::System);
        Job {
            key: JobKey::new(self.name(), self.text()),
            name: self.name(),
            parent_id: self.maybe(Self::name),
            region: self.name(),
            job_type,
            priority: self.pick(&[1, 50, 255]),
            datacenters: vec![self.name(), self.text()],
            node_pool: self.name(),
            all_at_once: self.yes(),
            constraints: self.list(Self::constraint),
            affinities: self.list(Self::affinity),
            spreads: self.list(Self::spread),
            groups: self.list(|dice| dice.group(job_type, rolls_out)),
            update: if rolls_out { self.maybe(Self::update) } else { None },
            periodic: self.maybe(|dice| Periodic {
                enabled: dice.yes(),
                specs: dice.list(Self::name),
                prohibit_overlap: dice.yes(),
                time_zone: dice.name(),
            }),
            parameterized: self.maybe(|dice| Parameterized {
                payload: dice.name(),
                meta_required: dice.texts(),
                meta_optional: dice.texts(),
            }),
            dispatched: self.yes(),
            payload: self.list(|dice| dice.roll(256) as u8),
            meta: self.text_map(),
            stop: self.yes(),
            other: self.other(&["UI", "VersionTag"]),
            status: self.pick(&[JobStatus::Pending, JobStatus::Running, JobStatus::Dead]),
            version: self.roll(u64::MAX),
            stable: self.yes(),
            submit_time: Timestamp(self.0 as i64),
            create_index: self.roll(u64::MAX),
            modify_index: self.roll(u64::MAX),
            job_modify_index: self.roll(u64::MAX),
        }
    }

    fn group(&mut self, job_type: JobType, rolls_out: bool) -> TaskGroup {
        let migrate = |dice: &mut Self| MigrateStrategy {
            max_parallel: dice.number(),
            health_check: dice.health_check(),
            min_healthy_time: dice.duration(),
            healthy_deadline: dice.duration(),
        };
        let migrate = if job_type == JobType::Service { Some(migrate(self)) } else { self.maybe(migrate) };
        let at_least_a_nano = |dice: &mut Self| dice.duration().max(Duration::from_nanos(1));
        TaskGroup {
            name: self.text(),
            count: self.number(),
            tasks: self.list(Self::task),
            constraints: self.list(Self::constraint),
            affinities: self.list(Self::affinity),
            spreads: self.list(Self::spread),
            restart: self.restart(),
            reschedule: ReschedulePolicy {
                attempts: self.number(),
                interval: self.duration(),
                delay: self.duration(),
                delay_function: self.pick(&[DelayFunction::Constant, DelayFunction::Exponential, DelayFunction::Fibonacci]),
                max_delay: self.duration(),
                unlimited: self.yes(),
            },
            update: if rolls_out { self.maybe(Self::update) } else { None },
            migrate,
            disconnect: DisconnectStrategy {
                lost_after: self.maybe(at_least_a_nano),
                stop_on_client_after: self.maybe(at_least_a_nano),
                replace: self.yes(),
                reconcile: self.pick(&[
                    Reconcile::BestScore,
                    Reconcile::LongestRunning,
                    Reconcile::KeepOriginal,
                    Reconcile::KeepReplacement,
                ]),
            },
            ephemeral_disk: EphemeralDisk { size: MebiBytes(u64::from(self.number())), sticky: self.yes(), migrate: self.yes() },
            networks: self.list(Self::network),
            services: self.list(Self::service),
            volumes: self.list(Self::volume).into_iter().map(|volume| (volume.name.clone(), volume)).collect(),
            meta: self.text_map(),
            shutdown_delay: self.duration(),
            max_run_duration: self.maybe(at_least_a_nano),
            scaling: self.maybe(|dice| Scaling { min: dice.number(), max: dice.number(), enabled: dice.yes(), policy: dice.config(2) }),
            other: self.other(&["Consul"]),
        }
    }

    fn volume(&mut self) -> VolumeRequest {
        VolumeRequest {
            name: self.name(),
            kind: self.text(),
            source: self.text(),
            read_only: self.yes(),
            sticky: self.yes(),
            per_alloc: self.yes(),
            access_mode: self.text(),
            attachment_mode: self.text(),
        }
    }

    fn network(&mut self) -> Network {
        let port = |dice: &mut Self, fixed: bool| Port {
            label: dice.text(),
            static_port: fixed.then(|| dice.pick(&[1, 80, 65_535])),
            to: dice.pick(&[-1, 0, 8080]),
            host_network: dice.text(),
            ignore_collision: dice.yes(),
        };
        let mut ports = self.list(|dice| port(dice, true));
        ports.extend(self.list(|dice| port(dice, false)));
        Network {
            mode: if self.yes() { NetworkMode::Cni(self.name()) } else { NetworkMode::Bridge },
            hostname: self.maybe(Self::name),
            dns: self.maybe(|dice| Dns { servers: dice.texts(), searches: dice.texts(), options: dice.texts() }),
            ports,
        }
    }

    fn service(&mut self) -> Service {
        Service {
            name: self.text(),
            provider: self.pick(&[ServiceProvider::Consul, ServiceProvider::Nomad]),
            port_label: self.text(),
            tags: self.texts(),
            canary_tags: self.texts(),
            meta: self.text_map(),
            canary_meta: self.text_map(),
            address_mode: self.name(),
            address: self.text(),
            task: self.text(),
            on_update: self.name(),
            checks: self.list(Self::check),
        }
    }

    fn check(&mut self) -> ServiceCheck {
        ServiceCheck {
            name: self.text(),
            kind: self.text(),
            path: self.text(),
            method: self.text(),
            protocol: self.text(),
            port_label: self.text(),
            command: self.text(),
            args: self.texts(),
            header: self.list(|dice| (dice.text(), dice.texts())).into_iter().collect(),
            body: self.text(),
            task: self.text(),
            interval: self.duration(),
            timeout: self.duration(),
            on_update: self.name(),
            initial_status: self.text(),
            tls_skip_verify: self.yes(),
            check_restart: self.maybe(|dice| CheckRestart { limit: dice.number(), grace: dice.duration(), ignore_warnings: dice.yes() }),
        }
    }

    fn task(&mut self) -> Task {
        Task {
            name: self.text(),
            driver: self.text(),
            config: self.config_map(3),
            user: self.text(),
            env: self.text_map(),
            meta: self.text_map(),
            resources: TaskResources {
                cpu: MegaHertz(u64::from(self.number())),
                cores: self.pick(&[0, 1, u16::MAX]),
                memory: MebiBytes(u64::from(self.number())),
                memory_max: MebiBytes(u64::from(self.number())),
                devices: self.list(|dice| DeviceAsk {
                    name: dice.text(),
                    count: dice.roll(u64::MAX),
                    share: DeviceShare(dice.pick(&[1, 125, 500, 999, 1000])),
                    constraints: dice.list(Self::constraint),
                    affinities: dice.list(Self::affinity),
                }),
                numa: NumaAsk {
                    affinity: self.pick(&[NumaAffinity::None, NumaAffinity::Prefer, NumaAffinity::Require]),
                    devices: self.list(Self::text),
                },
            },
            restart: self.maybe(Self::restart),
            lifecycle: self.maybe(|dice| Lifecycle {
                hook: dice.pick(&[LifecycleHook::Prestart, LifecycleHook::Poststart, LifecycleHook::Poststop]),
                sidecar: dice.yes(),
            }),
            leader: self.yes(),
            kill_timeout: self.duration(),
            kill_signal: self.text(),
            shutdown_delay: self.duration(),
            logs: LogConfig { max_files: self.number(), max_file_size: self.number(), disabled: self.yes() },
            constraints: self.list(Self::constraint),
            affinities: self.list(Self::affinity),
            services: self.list(Self::service),
            templates: self.list(|dice| Template {
                source: dice.text(),
                destination: dice.text(),
                data: dice.text(),
                change_mode: dice.name(),
                change_signal: dice.text(),
                perms: dice.name(),
                left_delimiter: dice.name(),
                right_delimiter: dice.name(),
                splay: dice.duration(),
                env: dice.yes(),
                once: dice.yes(),
                error_on_missing_key: dice.yes(),
            }),
            artifacts: self.list(|dice| Artifact {
                source: dice.text(),
                destination: dice.name(),
                mode: dice.name(),
                options: dice.text_map(),
                headers: dice.text_map(),
                insecure: dice.yes(),
            }),
            volume_mounts: self.list(|dice| VolumeMount {
                volume: dice.text(),
                destination: dice.text(),
                read_only: dice.yes(),
                propagation_mode: dice.name(),
            }),
            dispatch_payload_file: self.maybe(Self::name),
            other: self.other(&["Vault", "Identities", "CSIPluginConfig", "Schedule"]),
        }
    }
}
