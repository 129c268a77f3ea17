//! When a carrier is expected to be away: daily windows in its own time zone.

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Zoned};
use link::UnixMicros;

use super::{CarrierSettings, Maintenance};

impl CarrierSettings {
    /// Returns until when the carrier is at work on itself; `None` where it is not. Meanwhile alarms about it are muted and its failures
    /// do not count.
    pub fn maintenance_until(&self, now: UnixMicros) -> Option<UnixMicros> {
        self.maintenance.iter().flatten().filter_map(|window| window.until(now)).max()
    }
}

impl Maintenance {
    /// Returns when the window ends that `now` is in.
    pub fn until(&self, now: UnixMicros) -> Option<UnixMicros> {
        self.around(now).into_iter().find(|(from, to)| (*from..*to).contains(&now)).map(|(_, to)| to)
    }

    /// Returns the next end of a window.
    pub fn next_end(&self, now: UnixMicros) -> Option<UnixMicros> {
        self.around(now).into_iter().map(|(_, to)| to).filter(|to| *to > now).min()
    }

    /// Returns the window that ended last between two times, the earlier one excluded.
    pub fn ended_between(&self, after: UnixMicros, now: UnixMicros) -> Option<(UnixMicros, UnixMicros)> {
        self.around(now).into_iter().filter(|(_, to)| *to > after && *to <= now).max_by_key(|(_, to)| *to)
    }

    /// Returns the windows that begin yesterday, today and tomorrow, as that is where the carrier is.
    fn around(&self, now: UnixMicros) -> Vec<(UnixMicros, UnixMicros)> {
        let zone = self.time_zone.as_ref().and_then(|name| TimeZone::get(name.as_str()).ok()).unwrap_or(TimeZone::UTC);
        let Ok(now) = Timestamp::from_microsecond(now) else { return Vec::new() };
        let today = now.to_zoned(zone.clone()).date();
        let (Some(from), Some(to)) = (time(&self.from), time(&self.to)) else { return Vec::new() };
        let days = if to <= from { 1 } else { 0 };
        let window = |shift: i64| {
            let day = today.checked_add(shift.days()).ok()?;
            // A time that a change of the clocks leaves out or repeats is taken as RFC 5545 has it.
            let at = |date: jiff::civil::Date, time: Time| date.to_datetime(time).to_zoned(zone.clone()).ok();
            let micros = |zoned: Zoned| zoned.timestamp().as_microsecond();
            Some((micros(at(day, from)?), micros(at(day.checked_add(days.days()).ok()?, to)?)))
        };
        [-1, 0, 1].into_iter().filter_map(window).collect()
    }
}

fn time(text: &str) -> Option<Time> {
    let (hours, minutes) = text.split_once(':')?;
    Time::new(hours.parse().ok()?, minutes.parse().ok()?, 0, 0).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::parse;

    fn window(from: &str, to: &str, zone: &str) -> Maintenance {
        serde_json::from_value(serde_json::json!({"from": from, "to": to, "timeZone": zone})).unwrap()
    }

    fn at(text: &str) -> UnixMicros {
        parse(text).unwrap()
    }

    #[test]
    fn a_window_is_in_the_carriers_time_zone() {
        let night = window("02:00", "04:00", "Asia/Jakarta");
        assert_eq!(night.until(at("2026-11-24T18:59:59Z")), None);
        assert_eq!(night.until(at("2026-11-24T19:00:00Z")), Some(at("2026-11-24T21:00:00Z")));
        assert_eq!(night.until(at("2026-11-24T21:00:00Z")), None);
        assert_eq!(night.next_end(at("2026-11-24T21:00:00Z")), Some(at("2026-11-25T21:00:00Z")));
    }

    #[test]
    fn a_window_over_midnight_and_over_a_change_of_the_clocks_ends_when_the_clock_there_says_so() {
        let late = window("23:30", "03:30", "Europe/Berlin");
        assert_eq!(late.until(at("2026-06-01T22:00:00Z")), Some(at("2026-06-02T01:30:00Z")));
        // The night in which summer time begins has no 02:30.
        assert_eq!(late.until(at("2026-03-28T23:00:00Z")), Some(at("2026-03-29T01:30:00Z")));
        assert_eq!(window("00:00", "00:00", "UTC").until(at("2026-06-01T12:00:00Z")), Some(at("2026-06-02T00:00:00Z")));
    }

    #[test]
    fn what_ended_since_one_looked_is_found_once() {
        let night = window("02:00", "04:00", "UTC");
        let ended = Some((at("2026-06-01T02:00:00Z"), at("2026-06-01T04:00:00Z")));
        assert_eq!(night.ended_between(at("2026-06-01T03:00:00Z"), at("2026-06-01T04:00:00Z")), ended);
        assert_eq!(night.ended_between(at("2026-06-01T04:00:00Z"), at("2026-06-01T05:00:00Z")), None);
    }

    #[test]
    fn of_several_windows_the_one_that_ends_last_counts() {
        let maintenance = Some(vec![window("01:00", "02:00", "UTC"), window("01:30", "05:00", "UTC")]);
        let settings = CarrierSettings { maintenance, ..CarrierSettings::default() };
        assert_eq!(settings.maintenance_until(at("2026-06-01T01:45:00Z")), Some(at("2026-06-01T05:00:00Z")));
        assert_eq!(settings.maintenance_until(at("2026-06-01T00:45:00Z")), None);
    }
}
