//! `cargo xtask bench registrations` works and reports; how fast a machine is, is nobody's fault here.

use std::process::Command;

#[test]
fn a_small_bench_binds_all_refreshes_them_and_reports() {
    let dir = std::env::temp_dir().join(format!("trunkline-bench-test-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let (json, svg) = (dir.join("bench.json"), dir.join("bench.svg"));
    let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["bench", "registrations", "--unoptimised", "--count", "1000", "--expires", "20", "--seconds", "12", "--nonces", "both"])
        .arg("--json")
        .arg(&json)
        .arg("--svg")
        .arg(&svg)
        .output()
        .unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}");
    let figures: serde_json::Value = serde_json::from_slice(&std::fs::read(&json).unwrap()).unwrap();
    let plot = std::fs::read_to_string(&svg).unwrap();
    let _ = std::fs::remove_dir_all(&dir);
    for (run, transactions_each) in figures["runs"].as_array().unwrap().iter().zip([1, 2]) {
        let number = |path: &str| run.pointer(path).and_then(serde_json::Value::as_f64).unwrap_or_else(|| panic!("no {path}: {run:#}"));
        // Refreshes come after 8 to 10 seconds: each is due within 12.
        assert!(number("/steady/refreshes") >= 900.0, "{run:#}\n{said}");
        assert!(number("/steady/transactions") >= 0.9 * number("/steady/refreshes") * f64::from(transactions_each), "{run:#}");
        assert_eq!((number("/bound"), number("/wrong_digests")), (1000.0, 0.0), "{run:#}");
        assert!(number("/steady/refreshes_per_cpu_second") > 0.0 && number("/bytes_per_registration/steady") > 0.0, "{run:#}");
    }
    assert!(plot.starts_with("<svg ") && plot.contains("<polyline "), "{plot}");
}
