//! The world: virtual time, and all that lives in it.

mod acts;
mod edge;
mod events;
mod forger;
mod heal;
mod orders;
#[cfg(test)]
mod tests;
mod traffic;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use ua::{Command, Endpoint, FlowFault, Input, Instant, Output, Query, Renewal, Resume, Status};

use crate::agenda::Agenda;
use crate::chance::Chance;
use crate::control::Desired;
use crate::lab::Lab;
use crate::model::{Facts, Model};
use crate::network::Network;
use crate::report::Report;
use crate::roster::Roster;
use crate::{Act, Cut, Plan, Weather, chaos};
use forger::Forger;

/// Where the edge is.
const EDGE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)), 5060);
/// Simulated time begins here, so that what lies before it can be told.
pub const BEGINNING: Instant = Instant::from_micros(1_000_000);
/// Every trunk is looked at so often.
const LOOK: Duration = Duration::from_secs(60);
/// In the second part so often: it ends when everything is bound.
const LOOK_HEALING: Duration = Duration::from_secs(5);
/// What is believed bound is asked for at the carriers at every so-manieth look.
const BELIEFS_EVERY: u32 = 5;

/// What is to happen.
#[derive(Debug)]
enum Happening {
    AtCarrier {
        carrier: usize,
        node: usize,
        bytes: Vec<u8>,
    },
    AtEdge {
        life: u32,
        source: SocketAddr,
        bytes: Vec<u8>,
    },
    LookedUp {
        life: u32,
        query: Query,
        question: ua::Question,
    },
    Act(Act),
    Light {
        carrier: usize,
        node: Option<usize>,
        cut: Cut,
    },
    MoodOver {
        carrier: usize,
    },
    NamesBack {
        carrier: usize,
    },
    StormOver,
    Start {
        clean: bool,
    },
    GiveBack {
        trunk: usize,
    },
    Follow {
        trunk: usize,
    },
    OverlapOver {
        trunk: usize,
    },
    Kept {
        life: u32,
        kept: Box<Resume>,
    },
    /// A renewal reaches the disk.
    KeptOn {
        life: u32,
        renewal: Renewal,
    },
    Unkept {
        life: u32,
        trunk: usize,
    },
    Forge,
    Look,
    Heal,
}

/// A world that runs by a plan.
#[derive(Debug)]
pub struct World {
    plan: Plan,
    roster: Roster,
    now: Instant,
    agenda: Agenda<Happening>,
    network: Network,
    lab: Lab,
    desired: Vec<Desired>,
    endpoint: Edge,
    /// Which life of the edge; what belongs to an earlier one is lost.
    life: u32,
    wake: Option<Instant>,
    commands: Vec<Command>,
    disk: BTreeMap<usize, Resume>,
    /// The latest status of each trunk, renewals included.
    told: BTreeMap<usize, Box<Status>>,
    model: Model,
    chance: Chance,
    forger: Forger,
    storms: u32,
    looks: u32,
    healing_since: Option<Instant>,
    done: bool,
}

/// The machine under test, while it runs.
#[derive(Default)]
struct Edge(Option<Box<Endpoint>>);

impl std::fmt::Debug for Edge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() { "up" } else { "down" })
    }
}

impl World {
    /// Makes a world.
    ///
    /// # Panics
    /// If the plan names a row that is none: a slip of its author.
    pub fn new(plan: Plan) -> Self {
        let roster = Roster::new(&plan);
        let mut lab = Lab::new(&plan);
        let mut chance = Chance::new(plan.seed, "orders");
        let mut desired = Vec::new();
        for trunk in 0..roster.trunks {
            let password = format!("p{:016x}", chance.bits());
            lab.carriers[roster.carrier(trunk)].admit(&roster.user(trunk), &roster.username(trunk), &password);
            desired.push(Desired::new(password));
        }
        let facts = lab.carriers.iter().map(|station| Facts {
            realm: station.pinned.then(|| station.realm.clone()),
            nodes: station.nodes.len(),
            rate: plan.registers_per_second,
            in_flight: plan.in_flight,
        });
        let model = Model::new(&plan, roster, facts.collect());
        let mut world = World {
            roster,
            now: BEGINNING,
            agenda: Agenda::default(),
            network: Network::new(plan.seed, plan.weather),
            lab,
            desired,
            endpoint: Edge::default(),
            life: 0,
            wake: None,
            commands: Vec::new(),
            disk: BTreeMap::new(),
            told: BTreeMap::new(),
            model,
            chance,
            forger: Forger::new(plan.seed),
            storms: 0,
            looks: 0,
            healing_since: None,
            done: false,
            plan,
        };
        world.model.report.carriers = world.lab.carriers.iter().map(ToString::to_string).collect();
        world.model.weather(BEGINNING, world.plan.weather == Weather::FAIR);
        world.prepare();
        world
    }

    fn prepare(&mut self) {
        let acts = chaos::draw(&self.plan).into_iter().chain(self.plan.script.iter().copied());
        for (at, act) in acts.collect::<Vec<_>>() {
            self.agenda.note(BEGINNING + at, Happening::Act(act));
        }
        self.agenda.note(BEGINNING + self.plan.chaos, Happening::Heal);
        self.agenda.note(BEGINNING + LOOK, Happening::Look);
        if self.plan.forged_per_second > 0 {
            self.agenda.note(BEGINNING + LOOK, Happening::Forge);
        }
        self.start(false);
    }

    /// Returns what each carrier is like, in words.
    pub fn carriers(&self) -> &[String] {
        &self.model.report.carriers
    }

    /// Runs it to its end.
    pub fn run(mut self) -> Report {
        self.advance(BEGINNING + self.plan.chaos + self.plan.heal);
        self.finish()
    }

    fn advance(&mut self, end: Instant) {
        self.drain();
        loop {
            let next = self.agenda.next_at();
            let wake = self.wake.filter(|_| self.endpoint.0.is_some());
            let Some(at) = [next, wake].into_iter().flatten().min().filter(|&at| at <= end && !self.done) else { break };
            self.now = self.now.max(at);
            self.model.report.events += 1;
            if next.is_some_and(|next| next <= self.now)
                && let Some(happening) = self.agenda.take()
            {
                self.happen(happening);
            }
            self.drain();
        }
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::AtCarrier { carrier, node, bytes } => self.at_carrier(carrier, node, &bytes),
            Happening::AtEdge { life, source, bytes } => self.at_edge(life, source, &bytes),
            Happening::LookedUp { life, query, question } => self.looked_up(life, query, &question),
            Happening::Act(act) => self.act(act),
            Happening::Light { carrier, node, cut } => self.light(carrier, node, cut),
            Happening::MoodOver { carrier } => self.mood_over(carrier),
            Happening::NamesBack { carrier } => self.names_back(carrier),
            Happening::StormOver => self.storm_over(),
            Happening::Start { clean } => self.start(clean),
            Happening::GiveBack { trunk } => self.give_back(trunk),
            Happening::Follow { trunk } => self.follow(trunk),
            Happening::OverlapOver { trunk } => self.overlap_over(trunk),
            Happening::Kept { life, kept } => self.keep(life, *kept),
            Happening::KeptOn { life, renewal } => self.keep_on(life, &renewal),
            Happening::Unkept { life, trunk } => self.unkeep(life, trunk),
            Happening::Forge => self.forge(),
            Happening::Look => self.look(),
            Happening::Heal => self.heal(),
        }
    }

    /// Hands the edge its orders and does what it wants done, until it has nothing more to do now.
    fn drain(&mut self) {
        let Some(mut endpoint) = self.endpoint.0.take() else { return self.commands.clear() };
        loop {
            for command in std::mem::take(&mut self.commands) {
                endpoint.handle(self.now, Input::Command(command));
            }
            match endpoint.poll(self.now) {
                Output::Send { to, bytes, .. } => self.send(to, bytes),
                // The lab carriers of the world listen to datagrams alone.
                Output::Open(dial) => endpoint.handle(self.now, Input::Closed { flow: dial.flow, fault: FlowFault::Refused }),
                Output::SendOn { .. } | Output::Ping { .. } | Output::Close { .. } => {}
                Output::Resolve { query, question } => self.look_up(query, question),
                Output::Event(event) => self.event(event),
                Output::Wake(at) => {
                    self.wake = at;
                    if self.commands.is_empty() {
                        break;
                    }
                }
            }
        }
        self.endpoint.0 = Some(endpoint);
    }
}
