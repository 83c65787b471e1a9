//! The database under the shop.

use super::Page;
use super::sections;
use super::table::{Side, Table};
use crate::measure::Measured;
use crate::report::database::{self, DatabaseSheet};

/// The pool, locks, statements, tables and plan; nothing where there is no such database.
pub(super) fn write(page: &mut Page, measured: &Measured) {
    let Some(database) = &measured.database else { return };
    let sheet = database::sheet(database);
    page.heading(sheet.title);
    page.wrapped("  ", &sheet.pool);
    page.wrapped("  ", &sheet.locks);
    if let Some(why) = sheet.uncounted {
        page.wrapped("  ", why);
    }
    statements(page, &sheet);
    tables(page, &sheet);
    let Some(plan) = &sheet.plan else { return };
    page.wrapped("  ", &plan.told);
    page.wrapped("    ", &plan.statement);
    let indented = |page: &mut Page, plan: &str| {
        plan.lines().for_each(|line| page.line(&format!("      {}", super::clean(line))));
    };
    indented(page, &plan.before);
    if !plan.after.is_empty() {
        page.wrapped("    ", "after:");
        indented(page, &plan.after);
    }
}

fn statements(page: &mut Page, sheet: &DatabaseSheet) {
    if sheet.statements.is_empty() {
        return;
    }
    let figures = ["calls", "rows", "in all", "mean", "max"];
    let mut header = vec![("statement", Side::Left)];
    header.extend(figures.map(|title| (title, Side::Right)));
    let mut table = Table::new(&header);
    for row in &sheet.statements {
        let cells = [&row.statement, &row.calls, &row.rows, &row.total, &row.mean, &row.max];
        table.row(&cells.map(String::clone));
    }
    sections::table(page, &table);
}

fn tables(page: &mut Page, sheet: &DatabaseSheet) {
    if sheet.tables.is_empty() {
        return;
    }
    let figures = ["dead rows", "size", "indexes", "vacuums", "analyzes"];
    let mut header = vec![("table", Side::Left)];
    header.extend(figures.map(|title| (title, Side::Right)));
    let mut table = Table::new(&header);
    for row in &sheet.tables {
        let cells = [&row.table, &row.dead, &row.size, &row.indexes, &row.vacuums, &row.analyzes];
        table.row(&cells.map(String::clone));
    }
    sections::table(page, &table);
}
