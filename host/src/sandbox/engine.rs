//! The WebAssembly engine: one configuration for compiling and for running, with its clock.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::thread;
use std::time::Duration;

use wasmtime::{Config, Enabled, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig, RegallocAlgorithm};

use super::limits::Limits;
use super::store::TABLE_ELEMENTS;

/// The clock's period: deadlines are kept to within this.
pub(super) const TICK: Duration = Duration::from_millis(10);

/// The memory that an instance has written to and that stays in place between evaluations, rewritten rather than given back to the kernel. What
/// a rule only reads, such as 20,000 accounts in its settings, does not count; an ordinary one writes less than half of this.
const RESIDENT: usize = 256 << 10;

/// How many rules keep the place of their memory for each evaluation at a time, while others have their turn. A rule that has to take the
/// place of another maps its image anew, and each page that it touches then is a fault. Memory is touched only where a rule has had its turn.
const WARM: u32 = 256;

/// The most such places over all evaluations at a time: each takes 4 GiB of address space.
const MOST_WARM: u32 = 2048;

/// A wasmtime engine with its limits and its clock. The clock starts with the engine and ends with it: no deadline without a clock.
#[derive(Clone)]
pub struct Engine {
    engine: wasmtime::Engine,
    limits: Limits,
}

impl Engine {
    /// Makes the engine that evaluates rules, for so many evaluations at a time. Memory for them is reserved once and used again.
    pub fn for_evaluation(concurrency: u32, limits: Limits) -> wasmtime::Result<Self> {
        let start = |warm: u32, limits: Limits| {
            let mut config = configuration();
            config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(concurrency, warm, &limits)));
            Self::start(&config, limits)
        };
        // Where there is little address space, rules that take turns are slower and nothing else.
        start(concurrency.saturating_mul(WARM).min(MOST_WARM), limits.clone()).or_else(|_| start(0, limits))
    }

    /// Makes the engine that runs a rule once, to load it: code is compiled fast rather than to be fast, and memory allocated as it goes.
    pub(super) fn for_loading(limits: Limits) -> wasmtime::Result<Self> {
        let mut config = configuration();
        config.cranelift_opt_level(OptLevel::None).cranelift_regalloc_algorithm(RegallocAlgorithm::SinglePass);
        Self::start(&config, limits)
    }

    /// Compiles a component to code that engines for evaluation take.
    pub(super) fn compile(component: &[u8]) -> wasmtime::Result<Vec<u8>> {
        wasmtime::Engine::new(&configuration())?.precompile_component(component)
    }

    /// Returns a number that is another one where compiled code cannot be run: for another processor, another configuration, another wasmtime.
    pub(super) fn compatibility() -> wasmtime::Result<u64> {
        let mut hasher = DefaultHasher::new();
        wasmtime::Engine::new(&configuration())?.precompile_compatibility_hash().hash(&mut hasher);
        Ok(hasher.finish())
    }

    fn start(config: &Config, limits: Limits) -> wasmtime::Result<Self> {
        let engine = wasmtime::Engine::new(config)?;
        let clock = engine.weak();
        thread::Builder::new().name("epoch".to_owned()).spawn(move || {
            while let Some(engine) = clock.upgrade() {
                engine.increment_epoch();
                drop(engine);
                thread::sleep(TICK);
            }
        })?;
        Ok(Self { engine, limits })
    }

    pub(super) fn wasmtime(&self) -> &wasmtime::Engine {
        &self.engine
    }

    /// Returns the limits that rules of this engine have.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }
}

/// What must be alike wherever a component is compiled or run: wasmtime refuses compiled code of another configuration.
fn configuration() -> Config {
    let mut config = Config::new();
    config
        .consume_fuel(true)
        .epoch_interruption(true)
        .concurrency_support(false)
        // The bits of a NaN are the only value that WebAssembly leaves to the machine.
        .cranelift_nan_canonicalization(true)
        .wasm_relaxed_simd(false)
        .wasm_multi_memory(false)
        .wasm_memory64(false)
        .cranelift_opt_level(OptLevel::Speed)
        .memory_init_cow(true)
        // Nobody reads a backtrace of somebody else's stripped rule, and capturing one makes every trap dearer.
        .wasm_backtrace_max_frames(None)
        .generate_address_map(false)
        .native_unwind_info(false);
    config
}

/// Returns how memory is reserved for so many evaluations at a time, and for so many rules beside them to keep their places.
fn pool(concurrency: u32, warm: u32, limits: &Limits) -> PoolingAllocationConfig {
    // A component as `build` makes it has one memory and three core instances: the rule and two small modules that wire its imports.
    let instances = concurrency * 16;
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(concurrency)
        .total_core_instances(instances)
        .total_memories(concurrency * 4 + warm)
        .max_unused_warm_slots(warm)
        .total_tables(concurrency * 8)
        .max_memories_per_component(4)
        .max_tables_per_component(8)
        .max_core_instances_per_component(16)
        .table_elements(TABLE_ELEMENTS)
        .max_memory_size(limits.memory)
        .linear_memory_keep_resident(RESIDENT)
        .table_keep_resident(TABLE_ELEMENTS * size_of::<usize>())
        .pagemap_scan(Enabled::Auto);
    pool
}
