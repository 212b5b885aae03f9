//! What a rule's module does not need to be a component here.

use wasm_encoder::{ExportKind, ExportSection, Module, RawSection};
use wasmparser::{BinaryReaderError, ExternalKind, Parser, Payload};

/// What the names of the functions begin with by which a host has a component free what it returned.
const POST_RETURN: &str = "cabi_post_";

/// Leaves out the exports by which the host would have a rule free what it returned. The instance ends with the evaluation, and its memory
/// with it, so that this is one call more for nothing.
pub(super) fn without_post_returns(module: &[u8]) -> Result<Vec<u8>, BinaryReaderError> {
    let mut lean = Module::new();
    for payload in Parser::new(0).parse_all(module) {
        let payload = payload?;
        if let Payload::ExportSection(section) = payload {
            let mut exports = ExportSection::new();
            for export in section {
                let export = export?;
                if !export.name.starts_with(POST_RETURN) {
                    exports.export(export.name, kind(export.kind), export.index);
                }
            }
            lean.section(&exports);
        } else if let Some((id, range)) = payload.as_section() {
            lean.section(&RawSection { id, data: &module[range] });
        }
    }
    Ok(lean.finish())
}

fn kind(kind: ExternalKind) -> ExportKind {
    match kind {
        ExternalKind::Func | ExternalKind::FuncExact => ExportKind::Func,
        ExternalKind::Table => ExportKind::Table,
        ExternalKind::Memory => ExportKind::Memory,
        ExternalKind::Global => ExportKind::Global,
        ExternalKind::Tag => ExportKind::Tag,
    }
}

#[cfg(test)]
mod tests {
    use wasm_encoder::{CodeSection, CustomSection, Function, FunctionSection, MemorySection, MemoryType, TypeSection};

    use super::*;

    /// A module with some of everything, and these exports of functions.
    fn module(functions: &[(&str, u32)]) -> Vec<u8> {
        let mut module = Module::new();
        let mut types = TypeSection::new();
        types.ty().function([], []);
        let mut declared = FunctionSection::new();
        declared.function(0).function(0);
        let mut memories = MemorySection::new();
        memories.memory(MemoryType { minimum: 1, maximum: None, memory64: false, shared: false, page_size_log2: None });
        let mut exports = ExportSection::new();
        exports.export("memory", ExportKind::Memory, 0);
        for &(name, index) in functions {
            exports.export(name, ExportKind::Func, index);
        }
        let mut body = Function::new([]);
        body.instructions().end();
        let mut code = CodeSection::new();
        code.function(&body).function(&body);
        module.section(&types).section(&declared).section(&memories).section(&exports).section(&code);
        module.section(&CustomSection { name: "component-type".into(), data: b"kept".into() });
        module.finish()
    }

    #[test]
    fn what_frees_is_left_out_and_all_the_rest_is_kept_byte_for_byte() {
        let lean = module(&[("rule#evaluate", 1)]);
        let given = module(&[("cabi_post_rule#evaluate", 0), ("rule#evaluate", 1)]);
        assert_eq!(without_post_returns(&given).unwrap(), lean);
        assert_eq!(without_post_returns(&lean).unwrap(), lean);
    }

    #[test]
    fn what_is_no_module_is_an_error() {
        assert!(without_post_returns(b"\0asm").is_err());
    }
}
