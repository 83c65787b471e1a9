use super::*;
use crate::scenario::file;
use crate::scenario::overrides::Overrides;
use crate::scenario::{Context, Scenario};
use crate::verdict::World;

/// A sale with these tables.
fn scenario(tables: &str, scale: Option<f64>) -> Scenario {
    let text = format!(
        "schema = 1\nname = \"short\"\n\
         [[sale]]\nid = \"day-1\"\nopens = \"+1s\"\nlasts = \"60s\"\n\
         items = [{{ id = \"tee\", stock = 100, price = 4_500 }}]\n\
         [[fans]]\nname = \"fans\"\ncount = 100\narrive = {{ shape = \"at-once\" }}\n{tables}"
    );
    let overrides = Overrides { scale, ..Overrides::default() };
    let loaded = file::parse("short.toml", &text, &overrides, &Context::VIRTUAL);
    loaded.unwrap_or_else(|problems| panic!("{problems}")).at_scale(None, World::Simulated)
}

fn limit(what: Limited, needed: Option<(f64, f64)>) -> AtLimit {
    let needed = needed.map(|(had, needed)| Needed { had, needed });
    AtLimit { what, seconds: 9, first_s: 1.0, last_s: 9.0, needed }
}

/// What is changed, and from what, where one part of a scenario with these tables was at 100 %.
fn changed(tables: &str, what: Limited, needed: Option<(f64, f64)>) -> Option<(String, String)> {
    let found = remedy(&scenario(tables, None), &limit(what, needed), 1)?;
    assert_eq!(found.what, what);
    Some((found.set.join(" "), found.now))
}

fn of(set: &str, now: &str) -> (String, String) {
    (set.to_owned(), now.to_owned())
}

#[test]
fn servers_are_as_many_as_were_needed_and_a_quarter_more() {
    let few = "[stack.edge]\nservers = 2\nservice = \"1ms\"\n\
               [stack.application]\nservers = 8\nservice = \"25ms\"\n\
               [stack.database]\nservers = 4\nservice = \"2ms\"\n";
    let edge = changed(few, Limited::Edge, Some((2.0, 5.0)));
    assert_eq!(edge, Some(of("stack.edge.servers=7", "2")));
    let application = changed(few, Limited::Application, Some((8.0, 24.0)));
    assert_eq!(application, Some(of("stack.application.servers=30", "8")));
    // Nobody counted, or what was there would have done: twice as many, or one more at least.
    let database = changed(few, Limited::Connections, None);
    assert_eq!(database, Some(of("stack.database.servers=8", "4")));
    let enough = changed(few, Limited::Connections, Some((2.0, 2.0)));
    assert_eq!(enough, Some(of("stack.database.servers=5", "4")));
}

#[test]
fn tasks_are_there_from_the_beginning_and_stay() {
    let fixed = "[stack.application]\nservers = 8\ntasks = 5\nservice = \"25ms\"\n";
    // 40 servers of five tasks; 120 are needed.
    let needed = Some((40.0, 120.0));
    let tasks = "stack.application.tasks=19";
    assert_eq!(changed(fixed, Limited::Application, needed), Some(of(tasks, "5")));
    let scaled =
        format!("{fixed}max = 10\ntracking = {{ metric = \"utilisation\", target = 0.5 }}\n");
    let all = format!("{tasks} stack.application.min=19 stack.application.max=19");
    assert_eq!(changed(&scaled, Limited::Application, needed), Some(of(&all, "5")));
    // It may grow beyond that as before.
    let wide = scaled.replace("max = 10", "max = 100");
    let kept = format!("{tasks} stack.application.min=19");
    assert_eq!(changed(&wide, Limited::Application, needed), Some(of(&kept, "5")));
}

#[test]
fn a_balancer_has_it_reserved_and_a_database_its_capacity() {
    let balancer = "[stack.balancer]\ncapacity = \"1000/s\"\n\
                    [stack.application]\nservers = 8\nservice = \"25ms\"\n";
    let reserved = changed(balancer, Limited::Balancer, Some((1_000.0, 4_000.0)));
    assert_eq!(reserved, Some(of("stack.balancer.reserved=5000/s", "1000/s")));
    let database = |capacity: &str| {
        format!(
            "[stack.database]\nservers = 900\nservice = \"2ms\"\ncapacity = {capacity}\n\
             [stack.application]\nservers = 8\nservice = \"25ms\"\n"
        )
    };
    // Four processors needed, and a quarter more: 20 ACU.
    let needed = Some((2.0, 4.0));
    let provisioned = changed(&database("{ provisioned = 8 }"), Limited::Processors, needed);
    assert_eq!(provisioned, Some(of("stack.database.capacity.provisioned=20", "8")));
    let serverless = database("{ min = 2, max = 16 }");
    let both = "stack.database.capacity.min=20 stack.database.capacity.max=20";
    assert_eq!(changed(&serverless, Limited::Processors, needed), Some(of(both, "2")));
}

#[test]
fn a_row_is_no_longer_waited_for_and_the_payment_is_asked_for_less() {
    let postgres = "[shop]\nstorage = \"postgres\"\ninventory = \"row-lock\"\nconnections = 10\n";
    let row = changed(postgres, Limited::Row, None);
    assert_eq!(row, Some(of("shop.inventory=unit-rows", "row-lock")));
    let pool = changed(postgres, Limited::Connections, None);
    assert_eq!(pool, Some(of("shop.connections=20", "10")));
    let open = "[provider]\nprofile = \"shared-30\"\n";
    let payment = changed(open, Limited::Payment, Some((30.0, 400.0)));
    assert_eq!(payment, Some(of("shop.admission={ calls_per_second = 30 }", "none")));
    // A gate that keeps to it is there already.
    let kept = format!("[shop]\nadmission = {{ calls_per_second = 30 }}\n{open}");
    assert_eq!(changed(&kept, Limited::Payment, Some((30.0, 40.0))), None);
}

#[test]
fn what_scales_is_written_as_the_file_has_it() {
    let scenario = scenario("[provider]\nprofile = \"shared-30\"\n", Some(0.1));
    let found = remedy(&scenario, &limit(Limited::Payment, Some((3.0, 40.0))), 1).unwrap();
    assert_eq!(found.set, ["shop.admission={ calls_per_second = 30 }"]);
}

#[test]
fn more_of_it_is_given_where_that_was_not_enough() {
    let tables = "[stack.application]\nservers = 8\nservice = \"25ms\"\n\
                  [provider]\nprofile = \"shared-30\"\n";
    let scenario = scenario(tables, None);
    let needed = Some((8.0, 24.0));
    let sets = [1, 2, 4].map(|times| {
        let found = remedy(&scenario, &limit(Limited::Application, needed), times);
        found.unwrap().set.join(" ")
    });
    let servers = |count| format!("stack.application.servers={count}");
    assert_eq!(sets, [servers(30), servers(60), servers(120)]);
    // There is only one gate that keeps to what the provider allows.
    assert_eq!(remedy(&scenario, &limit(Limited::Payment, None), 2), None);
    // A part that the scenario does not speak of cannot be changed.
    assert_eq!(remedy(&scenario, &limit(Limited::Edge, None), 1), None);
}
