//! Freezing a loaded rule: its memory after `load` becomes the memory that every evaluation starts from.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use wasmparser::{CanonicalFunction, Parser, Payload};
use wasmtime::Store;
use wasmtime::component::{ComponentNamedList, Instance as ComponentInstance, Lift, WasmList};
use wasmtime_wizer::{ComponentContext, ComponentInstanceState, Wizer};

use super::store::Instance;

/// A component that has been given functions to read its own memory with.
pub(super) struct Instrumented<'a> {
    context: ComponentContext<'a>,
    pub(super) bytes: Vec<u8>,
}

/// Instruments a component, or returns nothing where that is not possible: some table and data instructions, nested components with
/// modules, a module instantiated twice, handles. Such a rule is loaded anew for every evaluation.
pub(super) fn instrument(component: &[u8]) -> Option<Instrumented<'_>> {
    if keeps_handles(component) {
        return None;
    }
    // Wizer meets the component before wasmtime has validated it as a whole, and panics on some declarations.
    let result = catch_unwind(|| Wizer::new().instrument_component(component)).ok()?;
    let (context, bytes) = result.ok()?;
    Some(Instrumented { context, bytes })
}

/// Tells whether a component calls more of the component model than what carries values across: resources and the like. Their handles are
/// kept outside its memory, and would be gone in an instance that starts from the image.
fn keeps_handles(component: &[u8]) -> bool {
    Parser::new(0).parse_all(component).any(|payload| {
        let Ok(Payload::ComponentCanonicalSection(functions)) = payload else { return false };
        functions
            .into_iter()
            .any(|function| !matches!(function, Ok(CanonicalFunction::Lift { .. } | CanonicalFunction::Lower { .. })))
    })
}

/// Reads the memory of an instance of the instrumented component and returns the component that starts from there, or nothing where the
/// memory cannot be read (the accessors need memory too, and the rule may have left none).
pub(super) fn freeze(
    instrumented: &Instrumented<'_>,
    store: &mut Store<Instance>,
    instance: ComponentInstance,
) -> Option<Vec<u8>> {
    let mut state = State { store, instance };
    let frozen = catch_unwind(AssertUnwindSafe(|| {
        poll_once(Wizer::new().snapshot_component(&instrumented.context, &mut state))
    }));
    frozen.ok()??.ok()
}

/// Runs a future that never waits: the accessors below are plain calls.
fn poll_once<F: Future>(future: F) -> Option<F::Output> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

struct State<'a> {
    store: &'a mut Store<Instance>,
    instance: ComponentInstance,
}

impl State<'_> {
    fn call<R>(&mut self, instance: &str, function: &str) -> R
    where
        (R,): ComponentNamedList + Lift + 'static,
    {
        self.try_call(instance, function).expect("`freeze` catches a failing accessor")
    }

    fn try_call<R>(&mut self, instance: &str, function: &str) -> Option<R>
    where
        (R,): ComponentNamedList + Lift + 'static,
    {
        let (_, instance) = self.instance.get_export(&mut *self.store, None, instance)?;
        let (_, function) = self.instance.get_export(&mut *self.store, Some(&instance), function)?;
        let function = self.instance.get_typed_func::<(), (R,)>(&mut *self.store, function).ok()?;
        let (value,) = function.call(&mut *self.store, ()).ok()?;
        Some(value)
    }
}

impl ComponentInstanceState for State<'_> {
    async fn call_func_ret_list_u8(&mut self, instance: &str, function: &str, contents: impl FnOnce(&[u8]) + Send) {
        let list: WasmList<u8> = self.call(instance, function);
        contents(list.as_le_slice(&*self.store));
    }

    async fn call_func_ret_s32(&mut self, instance: &str, function: &str) -> i32 {
        self.call(instance, function)
    }

    async fn call_func_ret_s64(&mut self, instance: &str, function: &str) -> i64 {
        self.call(instance, function)
    }

    async fn call_func_ret_f32(&mut self, instance: &str, function: &str) -> u32 {
        self.call::<f32>(instance, function).to_bits()
    }

    async fn call_func_ret_f64(&mut self, instance: &str, function: &str) -> u64 {
        self.call::<f64>(instance, function).to_bits()
    }
}
