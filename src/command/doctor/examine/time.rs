//! The processor and the clock: whether this machine can keep time.

use domain::time::Duration;

use crate::command::doctor::finding::{Finding, State};
use crate::command::doctor::reading::RealTime;
use crate::report::figure::{decimal, milliseconds, ratio};

use super::{Case, told};

/// Below this the load, the shop and the provider take turns on one core \[cores\].
const CORES_LEAST: u64 = 2;
/// A share of the cores that others may use before this instrument is late for it.
const BUSY: f64 = 0.25;
/// A share of stolen time that shows in a 99th percentile: one in a hundred.
const STOLEN: f64 = 0.01;
/// Sources that are read without a call of the kernel: some 20 ns. Others take a microsecond or
/// more, and are the kernel's last resort.
const FAST_SOURCES: [&str; 5] =
    ["tsc", "kvm-clock", "arch_sys_counter", "hyperv_clocksource_tsc_page", "riscv_clocksource"];
/// A reading dearer than this is no reading of a register any more; each request takes four.
const READING_DEAR: Duration = Duration::from_nanos(250);
/// Times are kept in whole microseconds.
const RESOLUTION: Duration = Duration::from_micros(1);
/// From this lateness on, 99 of 100, a run's is a good part of what it wants to measure.
const LATE: Duration = Duration::from_millis(2);
/// From this lateness on every run is inconclusive (the bound of the judge).
const TOO_LATE: Duration = Duration::from_millis(20);
/// The kernel's own slack is 50 µs; more than this is somebody's wish to save power.
const SLACK_MOST: Duration = Duration::from_micros(100);

pub(super) fn findings(case: &Case<'_>) -> Vec<Finding> {
    let mut findings = vec![cores(case)];
    findings.extend(quota(case));
    findings.extend(load(case));
    findings.extend(stolen(case));
    findings.extend(governor(case));
    findings.extend(clock_source(case));
    findings.push(clock(case));
    findings.extend(slack(case));
    findings.push(timers(case));
    findings.push(real_time(case));
    findings
}

fn cores(case: &Case<'_>) -> Finding {
    let cores = case.readings.processor.cores;
    let value = cores.to_string();
    if cores >= CORES_LEAST {
        return Finding::ok("cores", value);
    }
    let why = "The load waits whenever the shop works: its lateness is the shop's.";
    let told = told(why, "let the shop run on another machine (--target), or lower --scale");
    Finding::wanting("cores", State::Warning, value, CORES_LEAST.to_string(), told)
}

fn quota(case: &Case<'_>) -> Option<Finding> {
    let processor = &case.readings.processor;
    let quota = processor.quota_cores?;
    let value = format!("{} cores", decimal(quota, 2));
    if quota >= processor.cores as f64 {
        return Some(Finding::ok("processor_quota", value));
    }
    let why = "A control group that has used up its share stands still until its next period, for \
               up to a tenth of a second.";
    let cure = "take the limit away (docker run without --cpus, no CPUQuota=), or give whole cores \
                by --cpuset-cpus";
    Some(Finding::wanting("processor_quota", State::Warning, value, "none", told(why, cure)))
}

fn load(case: &Case<'_>) -> Option<Finding> {
    let processor = &case.readings.processor;
    let load = processor.load?;
    let value = format!("{} tasks want to run", decimal(load, 2));
    let most = BUSY * processor.cores as f64;
    if load <= most {
        return Some(Finding::ok("load", value));
    }
    let why = "Others are at work here: the load will be late, and the shop slow, for their sake.";
    let told = told(why, "end what else is running (top shows it), or wait for a minute");
    let wanted = format!("at most {}", decimal(most, 2));
    Some(Finding::wanting("load", State::Warning, value, wanted, told))
}

fn stolen(case: &Case<'_>) -> Option<Finding> {
    let stolen = case.readings.processor.stolen?;
    let value = format!("{} of all time since the start", ratio(stolen));
    if stolen <= STOLEN {
        return Some(Finding::ok("stolen_time", value));
    }
    let why = "The hypervisor lets other guests run on these cores in the meantime.";
    let told = told(why, "take a machine with cores of its own");
    Some(Finding::wanting("stolen_time", State::Warning, value, "below 1 %", told))
}

fn governor(case: &Case<'_>) -> Option<Finding> {
    let governor = case.readings.processor.governor.clone()?;
    if governor == "performance" {
        return Some(Finding::ok("governor", governor));
    }
    let why = "Cores that slow down while nothing happens make the first requests after it slow.";
    let told = told(why, "sudo cpupower frequency-set -g performance");
    Some(Finding::wanting("governor", State::Warning, governor, "performance", told))
}

fn clock_source(case: &Case<'_>) -> Option<Finding> {
    let clock = &case.readings.clock;
    let source = clock.source.clone()?;
    if FAST_SOURCES.contains(&source.as_str()) {
        return Some(Finding::ok("clock_source", source));
    }
    let why = "This source is slow to read; each request reads the clock some four times.";
    let faster = clock.others.iter().find(|other| FAST_SOURCES.contains(&other.as_str()));
    let cure = match faster {
        Some(faster) => format!(
            "echo {faster} | sudo tee /sys/devices/system/clocksource/clocksource0/current_clocksource"
        ),
        None => "start the kernel with tsc=reliable, if the machine's counter is steady".to_owned(),
    };
    let wanted = faster.cloned().unwrap_or_else(|| "tsc".to_owned());
    Some(Finding::wanting("clock_source", State::Warning, source, wanted, told(why, cure)))
}

fn clock(case: &Case<'_>) -> Finding {
    let clock = &case.readings.clock;
    let (resolution, cost) = (clock.resolution, clock.cost);
    let value = format!("{resolution:?} apart, {} ns a reading", cost.as_nanos());
    if resolution <= RESOLUTION && cost <= READING_DEAR {
        return Finding::ok("clock", value);
    }
    let coarse = resolution >= Duration::from_millis(1);
    let state = if coarse { State::Problem } else { State::Warning };
    let why = "Times are kept in microseconds, and each request reads the clock some four times.";
    let cure = "see clock source; under an emulator or a sandbox take the machine itself";
    let wanted = format!("{RESOLUTION:?} and {} ns", READING_DEAR.as_nanos());
    Finding::wanting("clock", state, value, wanted, told(why, cure))
}

fn slack(case: &Case<'_>) -> Option<Finding> {
    let slack = case.readings.clock.slack?;
    let value = format!("{slack:?}");
    if slack <= SLACK_MOST {
        return Some(Finding::ok("timer_slack", value));
    }
    let why = "The kernel may end sleeps of this process so much later, to save power.";
    let cure = "echo 50000 | sudo tee /proc/$$/timerslack_ns";
    let wanted = format!("at most {SLACK_MOST:?}");
    Some(Finding::wanting("timer_slack", State::Warning, value, wanted, told(why, cure)))
}

fn timers(case: &Case<'_>) -> Finding {
    let [half, most] = case.readings.clock.late.map(|late| late.as_secs_f64() * 1e3);
    let value =
        format!("sleeps end {} late, 1 in 100 {} or more", milliseconds(half), milliseconds(most));
    let late = case.readings.clock.late[1];
    if late < LATE {
        return Finding::ok("timers", value);
    }
    let state = if late < TOO_LATE { State::Warning } else { State::Problem };
    let why = "What is sent late is counted, and a run that is too late (p99 above 20 ms, or a \
               tenth of its tightest objective) is inconclusive.";
    let cure = "end what else is running; see load, processor quota and stolen time";
    let wanted = format!("below {}", milliseconds(LATE.as_secs_f64() * 1e3));
    Finding::wanting("timers", state, value, wanted, told(why, cure))
}

fn real_time(case: &Case<'_>) -> Finding {
    let is_late = case.readings.clock.late[1] >= LATE;
    match case.readings.real_time {
        RealTime::Allowed if is_late => {
            let why = "The load and its servers may be put before all else that runs here.";
            let told = told(why, "chrt --fifo 1 spike run SCENARIO.toml");
            let (state, wanted) = (State::Warning, "SCHED_FIFO");
            Finding::wanting("real_time_priority", state, "allowed", wanted, told)
        }
        RealTime::Allowed => Finding::ok("real_time_priority", "allowed (SCHED_FIFO)"),
        RealTime::Refused => Finding::ok("real_time_priority", "not allowed, and not needed"),
    }
}
