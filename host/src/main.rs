//! The `orgwatch-host` program.
use std::io;
fn main() {
    let mut args = std::env::args().skip(1);
    if args.next().as_deref() == Some("prepare-rule") {
        orgwatch_host::sandbox::prepare::serve(&mut io::stdin().lock(), &mut io::stdout().lock()).unwrap();
        return;
    }
    use orgwatch_host::{pack::*, sandbox::*};
    let limits = Limits::default();
    let c = Compiler::new(std::env::current_exe().unwrap(), None, limits.clone());
    let p = Pack::open(std::path::Path::new("examples/first-rule")).unwrap();
    println!(
        "{:?}",
        Builder::new(&c, &limits).build(&p).map_err(|e| {
            let mut s = e.to_string();
            let mut e: &dyn std::error::Error = &e;
            while let Some(x) = e.source() {
                s += ": ";
                s += &x.to_string();
                e = x;
            }
            s
        })
    );
    let comp =
        Component::check(std::fs::read("examples/first-rule/dist/trail_stopped.wasm").unwrap(), &limits).unwrap();
    let engine = Engine::for_evaluation(4, limits).unwrap();
    for n in [0, 1000, 20000] {
        let list: Vec<String> = (0..n).map(|i| format!("\"{:012}\"", i)).collect();
        let settings = format!("{{\"expected\":[{}]}}", list.join(","));
        let t = std::time::Instant::now();
        let prep = c.prepare(&comp, &settings).unwrap();
        println!("prepare {:?} frozen {}", t.elapsed(), prep.frozen());
        let r = LoadedRule::link(&engine, prep, &settings).unwrap();
        let doc = std::sync::Arc::new(
            orgwatch_rules_sdk::json::Document::parse(
                r#"{"eventName":"StopLogging","requestParameters":{"name":"main"}}"#,
            )
            .unwrap(),
        );
        println!("{:?}", r.evaluate(doc.clone()));
        let t = std::time::Instant::now();
        for _ in 0..20000 {
            r.evaluate(doc.clone());
        }
        println!("{:?} each", t.elapsed() / 20000);
    }
}
