//! The results as pictures.

use std::fs;
use std::path::Path;

use plotters::prelude::*;

use crate::compaction::Trials;
use crate::simulation::Outcome;

const SIZE: (u32, u32) = (1100, 560);

/// GPU allocation by workload and policy, a dot per seed.
pub fn allocations(folder: &Path, outcomes: &[(String, Vec<Outcome>)]) -> Result<(), String> {
    let lines = outcomes.first().map_or(Vec::new(), |(_, of_policies)| of_policies.iter().map(|outcome| outcome.policy.name()).collect());
    let points = |policy: usize| {
        let dots = |(at, (_, of_policies)): (usize, &(String, Vec<Outcome>))| {
            let place = at as f64 + 0.15 * policy as f64;
            of_policies[policy].allocated.iter().map(move |value| (place, *value)).collect::<Vec<_>>()
        };
        outcomes.iter().enumerate().flat_map(dots).collect::<Vec<_>>()
    };
    let series: Vec<(&str, Vec<(f64, f64)>)> = lines.into_iter().enumerate().map(|(at, name)| (name, points(at))).collect();
    let names: Vec<&str> = outcomes.iter().map(|(name, _)| name.as_str()).collect();
    let title = format!("GPU allocation in percent at 130 % demand: {}", names.join(", "));
    draw(&folder.join("gpu-allocation.svg"), folder, &title, &series)
}

/// The fewest nodes of each trial, best trial first.
pub fn compaction(folder: &Path, trials: &[Trials]) -> Result<(), String> {
    let sorted = |trials: &Trials| {
        let mut nodes = trials.nodes.clone();
        nodes.sort_unstable();
        nodes.into_iter().enumerate().map(|(at, nodes)| (at as f64, nodes as f64)).collect::<Vec<_>>()
    };
    let series: Vec<(&str, Vec<(f64, f64)>)> = trials.iter().map(|trials| (trials.name, sorted(trials))).collect();
    draw(&folder.join("compaction.svg"), folder, "Fewest nodes that hold the work, trials in order", &series)
}

fn draw(file: &Path, folder: &Path, title: &str, series: &[(&str, Vec<(f64, f64)>)]) -> Result<(), String> {
    let failed = |error: &dyn std::fmt::Display| format!("cannot draw {}: {error}", file.display());
    fs::create_dir_all(folder).map_err(|error| failed(&error))?;
    let all = || series.iter().flat_map(|(_, points)| points.iter());
    let (least, most) = all().fold((f64::INFINITY, 0f64), |(least, most), (_, y)| (least.min(*y), most.max(*y)));
    let last = all().fold(0f64, |last, (x, _)| last.max(*x));
    let root = SVGBackend::new(file, SIZE).into_drawing_area();
    root.fill(&WHITE).map_err(|error| failed(&error))?;
    let mut chart = ChartBuilder::on(&root)
        .caption(title, ("sans-serif", 16))
        .margin(12)
        .x_label_area_size(28)
        .y_label_area_size(48)
        .build_cartesian_2d(-0.5..last + 1.0, least * 0.99..most * 1.01)
        .map_err(|error| failed(&error))?;
    chart.configure_mesh().draw().map_err(|error| failed(&error))?;
    for (at, (name, points)) in series.iter().enumerate() {
        let colour = Palette99::pick(at).to_rgba();
        let dots = points.iter().map(|point| Circle::new(*point, 3, colour.filled()));
        let drawn = chart.draw_series(dots).map_err(|error| failed(&error))?;
        drawn.label(*name).legend(move |(x, y)| Circle::new((x + 8, y), 4, colour.filled()));
    }
    chart.configure_series_labels().border_style(BLACK).background_style(WHITE.mix(0.8)).draw().map_err(|error| failed(&error))?;
    root.present().map_err(|error| failed(&error))
}
