use crate::UnixMicros;

const DAY: i64 = 86_400_000_000;

/// Writes `2026-11-24 05:08:19.214 UTC`.
pub fn date_and_time(at: UnixMicros) -> String {
    let (year, month, day) = civil(at.div_euclid(DAY));
    format!("{year:04}-{month:02}-{day:02} {} UTC", time_of_day(at))
}

/// Writes `05:08:19.214`.
pub fn time_of_day(at: UnixMicros) -> String {
    let millis = at.rem_euclid(DAY) / 1_000;
    let (seconds, minutes) = (millis / 1_000, millis / 60_000);
    format!("{:02}:{:02}:{:02}.{:03}", minutes / 60, minutes % 60, seconds % 60, millis % 1_000)
}

/// Writes a span for people: `0.4 ms`, `41 ms`, `3.2 s`, `1 min 4 s`.
pub fn span(micros: i64) -> String {
    let (tenths, millis) = ((micros.max(0) + 50) / 100, (micros.max(0) + 500) / 1_000);
    match millis {
        _ if tenths < 100 => format!("{}.{} ms", tenths / 10, tenths % 10),
        0..1_000 => format!("{millis} ms"),
        1_000..60_000 => format!("{}.{} s", millis / 1_000, millis % 1_000 / 100),
        _ => format!("{} min {} s", millis / 60_000, millis % 60_000 / 1_000),
    }
}

/// Writes a time since the beginning: in seconds, or finer where `all` of it took no longer than a network of one's own does.
pub fn since(micros: i64, all: i64) -> String {
    /// Below it milliseconds tell nothing apart.
    const FINE: i64 = 10_000;
    let (sign, since) = (if micros < 0 { "-" } else { "" }, micros.abs());
    match all {
        0..FINE => format!("{sign}{}.{:02} ms", since / 1_000, since % 1_000 / 10),
        _ => format!("{sign}{}.{:03} s", since / 1_000_000, since / 1_000 % 1_000),
    }
}

/// Returns the civil date of a day since the epoch, in the proleptic Gregorian calendar (H. Hinnant, "chrono-compatible low-level date
/// algorithms"): years begin in March, so that the leap day is the last.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (seconds, written) in [
            (0, "1970-01-01 00:00:00.000 UTC"),
            (951_782_400, "2000-02-29 00:00:00.000 UTC"),
            (1_795_496_899, "2026-11-24 05:08:19.000 UTC"),
            (-1, "1969-12-31 23:59:59.000 UTC"),
            (4_107_542_400, "2100-03-01 00:00:00.000 UTC"),
        ] {
            assert_eq!(date_and_time(seconds * 1_000_000), written);
        }
    }

    #[test]
    fn what_is_quick_is_timed_finer() {
        for (micros, all, written) in
            [(0, 82_000, "0.000 s"), (41_900, 82_000, "0.041 s"), (412, 1_200, "0.41 ms"), (-41_000, 82_000, "-0.041 s")]
        {
            assert_eq!(since(micros, all), written);
        }
    }

    #[test]
    fn spans_are_for_people() {
        for (micros, written) in [
            (0, "0.0 ms"),
            (440, "0.4 ms"),
            (9_949, "9.9 ms"),
            (9_960, "10 ms"),
            (40_600, "41 ms"),
            (999_400, "999 ms"),
            (3_249_000, "3.2 s"),
            (64_000_000, "1 min 4 s"),
            (-5, "0.0 ms"),
        ] {
            assert_eq!(span(micros), written);
        }
    }
}
