use spike::scenario::{file, overrides::Overrides, Context};
use spike::verdict::World;
use spike::measure::recorder::{Recorder, Sinks};
use std::fs::File; use std::io::BufWriter;
fn main() {
    let path = std::env::args().nth(1).unwrap();
    let scale: f64 = std::env::args().nth(2).map_or(1.0, |s| s.parse().unwrap());
    let set: Vec<String> = std::env::args().skip(3).collect();
    let loaded = match file::load(path.as_ref(), &Overrides{set, ..Default::default()}, &Context::VIRTUAL) {
        Ok(l) => l,
        Err(p) => { eprintln!("{}", p.render(spike::scenario::problem::Colour::Plain)); return }
    };
    let s = loaded.at_scale(Some(scale), World::Simulated);
    let d = std::path::PathBuf::from("/tmp/scratch"); std::fs::create_dir_all(&d).unwrap();
    let w = |n: &str| Box::new(BufWriter::new(File::create(d.join(n)).unwrap()));
    let mut r = Recorder::new(Sinks{latency: w("latency.hlog"), timeline: w("timeline.jsonl"), purchases: w("purchases.jsonl"), snapshots: w("snapshots.jsonl")}, 0, s.first_opening()).unwrap();
    let began = std::time::Instant::now();
    let run = spike::sim::run(&s, std::time::Duration::from_secs(60), spike::sim::Visits::Forget, &mut r, &mut |p| {
        println!("{:?}", p);
    }).unwrap();
    println!("{:?} events {} in {:?}", run.ending, run.events, began.elapsed());
    let paid = run.ledgers.shop.iter().filter(|l| matches!(l, domain::shop::ShopLine::Order{paid: true,..})).count();
    println!("paid orders {paid}, payments {}", run.ledgers.provider.len());
    for l in &run.ledgers.shop { if matches!(l, domain::shop::ShopLine::Stock{..}|domain::shop::ShopLine::Slot{..}) { println!("{l:?}"); } }
}
