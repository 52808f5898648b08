//! The results as pictures.

use std::fs;
use std::path::Path;

use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;

use crate::compaction::Trials;
use crate::simulation::Outcome;

const SIZE: (u32, u32) = (1100, 560);
/// Of it, the title and the legend take so much.
const HEADER: u32 = 64;
const PUBLISHED: RGBColor = RGBColor(90, 90, 90);

/// What is drawn: at each place of the horizontal axis, side by side, the values of each series.
struct Picture<'a> {
    title: &'a str,
    /// Of the vertical axis.
    unit: &'a str,
    /// Of the horizontal axis.
    places: Vec<String>,
    /// The name, and by place its values.
    series: Vec<(&'a str, Vec<Vec<f64>>)>,
    /// By place, for a line across: what was published for FGD.
    published: Vec<Option<f64>>,
}

/// GPU allocation and fragmentation by workload and policy, a dot per seed.
pub fn outcomes(folder: &Path, outcomes: &[(String, Vec<Outcome>)], published: &[Option<f64>]) -> Result<(), String> {
    let places = || outcomes.iter().map(|(workload, _)| workload.clone()).collect();
    let policies = outcomes.first().map_or(&[][..], |(_, of_workload)| of_workload);
    let series = |of: fn(&Outcome) -> &Vec<f64>| {
        let values = |policy: usize| outcomes.iter().map(|(_, of_workload)| of(&of_workload[policy]).clone()).collect();
        policies.iter().enumerate().map(|(at, outcome)| (outcome.policy.name(), values(at))).collect()
    };
    let allocated = Picture {
        title: "GPUs allocated when 130 % of them were asked for, a dot per seed",
        unit: "% of all GPUs",
        places: places(),
        series: series(|outcome| &outcome.allocated),
        published: published.to_vec(),
    };
    let fragmented = Picture {
        title: "GPUs idle and of no use to the usual pods, a dot per seed",
        unit: "% of all GPUs",
        places: places(),
        series: series(|outcome| &outcome.fragmented),
        published: Vec::new(),
    };
    allocated.draw(&folder.join("gpu-allocation.svg"))?;
    fragmented.draw(&folder.join("gpu-fragmentation.svg"))
}

/// The fewest nodes of each trial; trials by their lower bound.
pub fn compaction(folder: &Path, trials: &[Trials]) -> Result<(), String> {
    let mut order: Vec<usize> = (0..trials[0].nodes.len()).collect();
    order.sort_by_key(|trial| trials[0].nodes[*trial]);
    let nodes = |policy: &Trials| order.iter().map(|trial| vec![policy.nodes[*trial] as f64]).collect();
    let picture = Picture {
        title: "Fewest nodes that hold all pods by processor and memory, nodes taken away in random order",
        unit: "nodes",
        places: (1..=order.len()).map(|number| number.to_string()).collect(),
        series: trials.iter().map(|policy| (policy.name, nodes(policy))).collect(),
        published: Vec::new(),
    };
    picture.draw(&folder.join("compaction.svg"))
}

impl Picture<'_> {
    fn draw(&self, file: &Path) -> Result<(), String> {
        self.try_draw(file).map_err(|error| format!("cannot draw {}: {error}", file.display()))
    }

    fn try_draw(&self, file: &Path) -> Result<(), Box<dyn std::error::Error>> {
        fs::create_dir_all(file.parent().unwrap_or(Path::new(".")))?;
        let root = SVGBackend::new(file, SIZE).into_drawing_area();
        root.fill(&WHITE)?;
        let (header, body) = root.split_vertically(HEADER);
        self.draw_header(&header)?;
        let all = || self.series.iter().flat_map(|(_, places)| places.iter().flatten()).chain(self.published.iter().flatten());
        let (least, most) = all().fold((f64::INFINITY, 0f64), |(least, most), value| (least.min(*value), most.max(*value)));
        let room = (most - least).max(1.0) * 0.05;
        let mut chart = ChartBuilder::on(&body)
            .margin_right(16)
            .margin_left(12)
            .x_label_area_size(32)
            .y_label_area_size(64)
            .build_cartesian_2d(-0.5..self.places.len() as f64 - 0.5, (least - room).max(0.0)..most + room)?;
        let place = |x: &f64| {
            let near = x.round();
            let name = ((x - near).abs() < 1e-6 && near >= 0.0).then(|| self.places.get(near as usize).cloned()).flatten();
            name.unwrap_or_default()
        };
        chart
            .configure_mesh()
            .disable_x_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(BLACK.mix(0.15))
            .axis_style(BLACK.mix(0.5))
            .x_labels(2 * self.places.len())
            .x_label_formatter(&place)
            .y_label_formatter(&|value| format!("{value}"))
            .y_desc(self.unit)
            .label_style(("sans-serif", 13))
            .draw()?;
        self.draw_values(&mut chart)?;
        root.present()?;
        Ok(())
    }

    fn draw_header(&self, area: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>) -> Result<(), Box<dyn std::error::Error>> {
        area.draw(&Text::new(self.title, (64, 12), ("sans-serif", 17)))?;
        let mut x = 70;
        let width = |name: &str| 34 + 8 * i32::try_from(name.len()).unwrap_or(0);
        for (at, (name, _)) in self.series.iter().enumerate() {
            area.draw(&Circle::new((x, 47), 5, colour(at, name).filled()))?;
            area.draw(&Text::new(*name, (x + 11, 41), ("sans-serif", 14)))?;
            x += width(name);
        }
        if !self.published.is_empty() {
            area.draw(&PathElement::new([(x - 6, 47), (x + 10, 47)], PUBLISHED.stroke_width(2)))?;
            area.draw(&Text::new("published for FGD", (x + 16, 41), ("sans-serif", 14)))?;
        }
        Ok(())
    }

    fn draw_values(
        &self,
        chart: &mut ChartContext<'_, SVGBackend<'_>, Cartesian2d<RangedCoordf64, RangedCoordf64>>,
    ) -> Result<(), Box<dyn std::error::Error>> {
        let lines = (0..).zip(&self.published).filter_map(|(place, value)| Some((f64::from(place), (*value)?)));
        chart.draw_series(lines.map(|(x, y)| PathElement::new([(x - 0.42, y), (x + 0.42, y)], PUBLISHED.stroke_width(2))))?;
        let step = 0.8 / self.series.len() as f64;
        for (at, (name, places)) in self.series.iter().enumerate() {
            let aside = (at as f64 + 0.5) * step - 0.4;
            let dots = (0..).zip(places).flat_map(|(place, values)| values.iter().map(move |value| (f64::from(place) + aside, *value)));
            chart.draw_series(dots.map(|dot| Circle::new(dot, 3, colour(at, name).filled())))?;
        }
        Ok(())
    }
}

/// Okabe and Ito's, which all eyes can tell apart; pannier has the same in every picture.
fn colour(at: usize, name: &str) -> RGBColor {
    const COLOURS: [(u8, u8, u8); 5] = [(153, 153, 153), (86, 180, 233), (240, 180, 0), (0, 114, 178), (204, 121, 167)];
    let (red, green, blue) = if name == "pannier" { (213, 94, 0) } else { COLOURS[at % COLOURS.len()] };
    RGBColor(red, green, blue)
}
