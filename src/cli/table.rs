//! Aligned columns, and `name = value` lists.

use super::style::{Paint, Style, printable};

/// One cell: its text and how to paint it.
#[derive(Debug, Clone)]
pub struct Cell {
    text: String,
    paint: Paint,
}

impl Cell {
    /// A status word in its colour.
    pub fn status(status: &str) -> Self {
        Self { text: printable(status), paint: Paint::for_status(status) }
    }

    fn width(&self) -> usize {
        self.text.chars().count()
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self { text: printable(text), paint: Paint::Plain }
    }
}

impl From<&String> for Cell {
    fn from(text: &String) -> Self {
        text.as_str().into()
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        text.as_str().into()
    }
}

macro_rules! cell_from_number {
    ($($number:ty),*) => {
        $(impl From<$number> for Cell {
            fn from(number: $number) -> Self {
                number.to_string().into()
            }
        })*
    };
}
cell_from_number!(u16, u64, i64, bool);

/// Rows under a header, two spaces between columns.
#[derive(Debug, Clone)]
pub struct Table {
    rows: Vec<Vec<Cell>>,
}

impl Table {
    pub fn new<const N: usize>(header: [&str; N]) -> Self {
        let header = header.into_iter().map(|text| Cell { text: text.to_owned(), paint: Paint::Bold }).collect();
        Self { rows: vec![header] }
    }

    pub fn row<const N: usize>(&mut self, cells: [Cell; N]) {
        debug_assert_eq!(N, self.rows[0].len(), "a row has as many cells as the header");
        self.rows.push(cells.into());
    }

    /// True when there is nothing under the header.
    pub fn is_empty(&self) -> bool {
        self.rows.len() == 1
    }

    /// One line per row, without a line break at the end.
    pub fn render(&self, style: Style) -> String {
        let columns = self.rows[0].len();
        let widths: Vec<usize> = (0..columns).map(|column| self.rows.iter().map(|row| row[column].width()).max().unwrap_or(0)).collect();
        let lines = self.rows.iter().map(|row| {
            let mut line = String::new();
            for (column, cell) in row.iter().enumerate() {
                line.push_str(&style.paint(cell.paint, &cell.text));
                if column + 1 < columns {
                    line.push_str(&" ".repeat(widths[column] - cell.width() + 2));
                }
            }
            line.trim_end().to_owned()
        });
        lines.collect::<Vec<_>>().join("\n")
    }
}

/// `name = value` lines with the signs under each other; an empty value is shown as `<none>`.
#[derive(Debug, Clone, Default)]
pub struct Pairs {
    rows: Vec<(&'static str, Cell)>,
}

impl Pairs {
    pub fn add(&mut self, name: &'static str, value: impl Into<Cell>) {
        self.rows.push((name, value.into()));
    }

    /// Adds the pair only when there is a value.
    pub fn add_some(&mut self, name: &'static str, value: &str) {
        if !value.is_empty() {
            self.add(name, value);
        }
    }

    pub fn render(&self, style: Style) -> String {
        let width = self.rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        let lines = self.rows.iter().map(|(name, cell)| {
            let value = if cell.text.is_empty() { "<none>".to_owned() } else { style.paint(cell.paint, &cell.text) };
            format!("{}{} = {value}", style.bold(name), " ".repeat(width - name.len()))
        });
        lines.collect::<Vec<_>>().join("\n")
    }
}

/// A heading over the section that follows.
pub fn section(style: Style, title: &str, body: &str) -> String {
    format!("\n{}\n{body}\n", style.bold(title))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_by_what_is_seen() {
        let mut table = Table::new(["ID", "Status", "Node"]);
        table.row(["übung".into(), Cell::status("running"), "n1".into()]);
        table.row(["a".into(), Cell::status("failed"), "".into()]);
        assert_eq!(table.render(Style::PLAIN), "ID     Status   Node\nübung  running  n1\na      failed");

        let colour = Style::detect(false, true, |_| None);
        let painted = table.render(colour);
        assert!(painted.contains("\x1b[32mrunning\x1b[0m  n1"), "{painted:?}");
        assert!(painted.contains("\x1b[31mfailed\x1b[0m"), "{painted:?}");
    }

    #[test]
    fn cells_hold_one_line() {
        let mut table = Table::new(["A", "B"]);
        table.row(["x\ny".into(), 3_u64.into()]);
        assert_eq!(table.render(Style::PLAIN), "A    B\nx y  3");
    }

    #[test]
    fn pairs_line_up_and_name_what_is_missing() {
        let mut pairs = Pairs::default();
        pairs.add("ID", "web");
        pairs.add("Node Pool", "");
        pairs.add_some("Meta", "");
        assert_eq!(pairs.render(Style::PLAIN), "ID        = web\nNode Pool = <none>");
    }
}
