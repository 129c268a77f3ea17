//! NAPTR and SRV records of a talk. Names that are not there have none.

use std::collections::HashMap;
use std::time::Duration;

use ua::*;

use super::secs;

/// What the name servers say.
#[derive(Clone)]
pub struct Zone {
    /// By name; a fault in place of records.
    pub srv: HashMap<String, Result<Vec<Srv>, ResolveFault>>,
    /// By name; a fault in place of records.
    pub naptr: HashMap<String, Result<Vec<Naptr>, ResolveFault>>,
    /// Of every record.
    pub ttl: Duration,
    /// Names whose SRV or NAPTR look-ups are never answered.
    pub silent: Vec<String>,
}

impl Default for Zone {
    fn default() -> Self {
        Zone { srv: HashMap::new(), naptr: HashMap::new(), ttl: secs(3600), silent: Vec::new() }
    }
}

impl Zone {
    /// Adds an SRV record: priority, weight, port, target.
    pub fn add_srv(&mut self, name: &str, priority: u16, weight: u16, port: u16, target: &str) {
        let records = self.srv.entry(name.to_owned()).or_insert_with(|| Ok(Vec::new()));
        if let Ok(records) = records {
            records.push(Srv { priority, weight, port, target: target.into() });
        }
    }

    /// Adds a NAPTR record: order, preference, service, replacement.
    pub fn add_naptr(&mut self, name: &str, order: u16, preference: u16, service: &str, replacement: &str) {
        let records = self.naptr.entry(name.to_owned()).or_insert_with(|| Ok(Vec::new()));
        if let Ok(records) = records {
            let (flags, regexp) = ("s".into(), "".into());
            records.push(Naptr { order, preference, flags, service: service.into(), regexp, replacement: replacement.into() });
        }
    }

    pub fn srv(&self, name: &str) -> Option<Result<Resolution, ResolveFault>> {
        self.found(name, self.srv.get(name), Records::Srv)
    }

    pub fn naptr(&self, name: &str) -> Option<Result<Resolution, ResolveFault>> {
        self.found(name, self.naptr.get(name), Records::Naptr)
    }

    fn found<T: Clone>(
        &self,
        name: &str,
        records: Option<&Result<Vec<T>, ResolveFault>>,
        of: impl Fn(Vec<T>) -> Records,
    ) -> Option<Result<Resolution, ResolveFault>> {
        if self.silent.iter().any(|silent| silent == name) {
            return None;
        }
        Some(match records {
            None => Err(ResolveFault::Absent("no such record".into())),
            Some(found) => found.clone().map(|records| Resolution { records: of(records), ttl: self.ttl }),
        })
    }
}
