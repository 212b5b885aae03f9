//! CloudTrail's `LookupEvents`, as far as a reader of it can tell.
//!
//! It stands for the service because no server that can be installed pages, throttles, or can be given events. It speaks AWS's JSON 1.1 protocol as
//! the documentation gives it: newest event first, both ends of the time range inside, at most 50 events a page, a token that is good only with the
//! parameters that it was made with, the record as a JSON string in `CloudTrailEvent`, times in seconds since 1970, one lookup attribute. What the
//! documentation does not say, and this decides: an answer of several pages is made when its first page is asked for. Signatures are not checked.

use std::collections::BTreeMap;
use std::io::BufReader;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::http;

/// The stub. It ends when it is dropped.
pub(crate) struct LookupStub {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    ended: Arc<AtomicBool>,
}

#[derive(Default)]
struct State {
    events: Vec<Known>,
    /// The pages that are still to be asked for, by token.
    pages: BTreeMap<String, Rest>,
    tokens: u32,
    /// When the last calls came that were answered.
    answered: Vec<Instant>,
    calls: u32,
    throttled: u32,
    /// Calls a second, beyond which it throttles; no throttle with 0.
    rate: usize,
    /// The next token that is used is no longer known.
    forget_token: bool,
    /// So many calls find the credentials expired.
    expired: u32,
}

#[derive(Clone)]
struct Known {
    time: i64,
    /// When the service learns of it.
    since: Instant,
    record: Value,
}

/// What is left of an answer.
struct Rest {
    parameters: Value,
    events: Vec<Value>,
}

impl LookupStub {
    /// Starts a stub without events, which answers two calls a second.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("the loopback interface has a free port");
        let address = listener.local_addr().expect("it is bound");
        let state = Arc::new(Mutex::new(State { rate: 2, ..State::default() }));
        let ended = Arc::new(AtomicBool::new(false));
        let stub = Self { address, state: Arc::clone(&state), ended: Arc::clone(&ended) };
        thread::spawn(move || {
            for stream in listener.incoming() {
                if ended.load(Ordering::Relaxed) {
                    return;
                }
                let state = Arc::clone(&state);
                if let Ok(stream) = stream {
                    thread::spawn(move || serve(stream, &state));
                }
            }
        });
        stub
    }

    /// Where the stub listens.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Adds an event at the time that its record says. The same again is a copy, which the service has now and then.
    pub(crate) fn event(&self, record: &Value) {
        self.late_event(record, Duration::ZERO);
    }

    /// Adds an event that the service learns of only after a while.
    pub(crate) fn late_event(&self, record: &Value, after: Duration) {
        let time = record["eventTime"].as_str().expect("a record has a time");
        let time = time.parse::<jiff::Timestamp>().expect("the time can be read").as_second();
        self.state().events.push(Known { time, since: Instant::now() + after, record: record.clone() });
    }

    /// Sets how many calls a second are answered.
    pub(crate) fn rate(&self, calls: usize) {
        self.state().rate = calls;
    }

    /// Makes the next token unknown when it is used.
    pub(crate) fn forget_token(&self) {
        self.state().forget_token = true;
    }

    /// Lets so many calls find their credentials expired.
    pub(crate) fn expire_credentials(&self, calls: u32) {
        self.state().expired = calls;
    }

    /// How many calls came.
    pub(crate) fn calls(&self) -> u32 {
        self.state().calls
    }

    /// How many of them were throttled.
    pub(crate) fn throttled(&self) -> u32 {
        self.state().throttled
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

impl Drop for LookupStub {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        // The listener looks up only when somebody comes.
        let _ = TcpStream::connect(self.address);
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn serve(stream: TcpStream, state: &Mutex<State>) {
    let Ok(reading) = stream.try_clone() else { return };
    let mut reader = BufReader::new(reading);
    let mut stream = stream;
    while let Ok(Some(request)) = http::read(&mut reader) {
        let answer = if request.target.ends_with("CloudTrail_20131101.LookupEvents") {
            match serde_json::from_slice(&request.body) {
                Ok(parameters) => lock(state).lookup(parameters),
                Err(_) => Err("SerializationException"),
            }
        } else {
            Err("UnknownOperationException")
        };
        let (status, body) = match answer {
            Ok(body) => (200, body),
            Err(code) => (400, json!({ "__type": code, "message": format!("the stub says {code}") })),
        };
        if http::answer(&mut stream, status, &body.to_string()).is_err() {
            return;
        }
    }
}

impl State {
    fn lookup(&mut self, parameters: Value) -> Result<Value, &'static str> {
        self.calls += 1;
        if self.expired > 0 {
            self.expired -= 1;
            return Err("ExpiredTokenException");
        }
        let second = Instant::now().checked_sub(Duration::from_secs(1));
        self.answered.retain(|&at| second.is_none_or(|second| at > second));
        if self.rate > 0 && self.answered.len() >= self.rate {
            self.throttled += 1;
            return Err("ThrottlingException");
        }
        self.answered.push(Instant::now());
        let most = match parameters["MaxResults"].as_u64() {
            None => 50,
            Some(most @ 1..=50) => usize::try_from(most).unwrap_or(50),
            Some(_) => return Err("InvalidMaxResultsException"),
        };
        let mut asked = parameters;
        let token = asked.as_object_mut().and_then(|asked| asked.remove("NextToken"));
        let mut events = match token {
            None => self.found(&asked)?,
            Some(token) => {
                let rest = self.pages.remove(token.as_str().unwrap_or_default()).ok_or("InvalidNextTokenException")?;
                if std::mem::take(&mut self.forget_token) || rest.parameters != asked {
                    return Err("InvalidNextTokenException");
                }
                rest.events
            }
        };
        let rest = events.split_off(events.len().min(most));
        let mut page = json!({ "Events": events });
        if !rest.is_empty() {
            self.tokens += 1;
            let token = format!("token-{}", self.tokens);
            page["NextToken"] = json!(token);
            self.pages.insert(token, Rest { parameters: asked, events: rest });
        }
        Ok(page)
    }

    /// Everything that is asked for, the newest first.
    fn found(&self, asked: &Value) -> Result<Vec<Value>, &'static str> {
        let [from, to] = ["StartTime", "EndTime"].map(|name| asked[name].as_f64());
        if let (Some(from), Some(to)) = (from, to)
            && from > to
        {
            return Err("InvalidTimeRangeException");
        }
        let attribute = &asked["LookupAttributes"][0];
        let source = match attribute["AttributeKey"].as_str() {
            None => None,
            Some("EventSource") => attribute["AttributeValue"].as_str(),
            Some(_) => return Err("InvalidLookupAttributesException"),
        };
        let now = Instant::now();
        let inside = |event: &&Known| {
            #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 have room in 53 bits")]
            let time = event.time as f64;
            event.since <= now
                && from.is_none_or(|from| time >= from)
                && to.is_none_or(|to| time <= to)
                && source.is_none_or(|source| event.record["eventSource"] == source)
        };
        let mut events: Vec<&Known> = self.events.iter().filter(inside).collect();
        events.sort_by_key(|event| std::cmp::Reverse(event.time));
        Ok(events.into_iter().map(item).collect())
    }
}

fn item(event: &Known) -> Value {
    let record = &event.record;
    json!({
        "EventId": record["eventID"],
        "EventName": record["eventName"],
        "ReadOnly": record["readOnly"].as_bool().unwrap_or_default().to_string(),
        "EventTime": event.time,
        "EventSource": record["eventSource"],
        "Username": "anaya",
        "Resources": [],
        "CloudTrailEvent": record.to_string(),
    })
}
