// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import CYAML

/// Owns a libyaml parser with the text it reads, and hands out what it finds as values.
///
/// The parser keeps its own address, so it lives on the heap and not in this struct; the text must stay where it is
/// as long as the parser lives. Nothing of libyaml's memory leaves this file. After an error it is not asked again.
@safe
struct EventReader: ~Copyable {
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let text: UnsafeMutableBufferPointer<UInt8>
    private let isInitialized: Bool
    private let lines: LineTable
    private let scalars: String.UnicodeScalarView

    init(_ source: String) {
        var source = source
        unsafe text = source.withUTF8 { bytes in
            let copy = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: bytes.count)
            _ = unsafe copy.initialize(from: bytes)
            return unsafe copy
        }
        lines = LineTable(source)
        scalars = source.unicodeScalars
        unsafe parser = UnsafeMutablePointer<yaml_parser_t>.allocate(capacity: 1)
        unsafe parser.initialize(to: yaml_parser_t())
        isInitialized = unsafe yaml_parser_initialize(parser) == 1
        if isInitialized {
            unsafe yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
            unsafe yaml_parser_set_input_string(parser, text.baseAddress, text.count)
        }
    }

    deinit {
        if isInitialized { unsafe yaml_parser_delete(parser) }
        unsafe parser.deinitialize(count: 1)
        unsafe parser.deallocate()
        unsafe text.deallocate()
    }

    /// Where there is one more line that starts with `%` than `count`, if there is; some of them may be parts of texts.
    func excessDirective(over count: Int) -> Mark? {
        guard unsafe text.count > 0 else { return nil }
        var found = 0
        var isStart = true
        // Not `for unsafe`, which swift-format does not know.
        for index in 0..<(unsafe text.count) {
            let byte = unsafe text[index]
            if isStart, byte == UInt8(ascii: "%") { found += 1 }
            if found > count { return .start }
            isStart = byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r")
        }
        return nil
    }

    /// The next step. Must not be called after ``Event/Kind/streamEnd`` or an error.
    mutating func next() throws(SyntaxError) -> Event {
        guard isInitialized else { throw SyntaxError("out of memory", at: .start) }
        var event = unsafe yaml_event_t()
        guard unsafe yaml_parser_parse(parser, &event) == 1 else { throw failure() }
        defer { unsafe yaml_event_delete(&event) }
        let start = unsafe lines.mark(at: Int(clamping: event.start_mark.index))
        let end = unsafe lines.mark(at: Int(clamping: event.end_mark.index))
        return Event(kind: unsafe kind(of: event), span: Span(start: start, end: end))
    }

    private func kind(of event: yaml_event_t) -> Event.Kind {
        switch unsafe event.type {
        case YAML_STREAM_START_EVENT: return .streamStart
        case YAML_DOCUMENT_START_EVENT: return .documentStart
        case YAML_DOCUMENT_END_EVENT: return .documentEnd
        case YAML_ALIAS_EVENT: return .alias(unsafe string(event.data.alias.anchor) ?? "")
        case YAML_SEQUENCE_START_EVENT:
            let start = unsafe event.data.sequence_start
            return .sequenceStart(anchor: unsafe string(start.anchor), tag: unsafe string(start.tag))
        case YAML_SEQUENCE_END_EVENT: return .sequenceEnd
        case YAML_MAPPING_START_EVENT:
            let start = unsafe event.data.mapping_start
            return .mappingStart(anchor: unsafe string(start.anchor), tag: unsafe string(start.tag))
        case YAML_MAPPING_END_EVENT: return .mappingEnd
        case YAML_SCALAR_EVENT:
            let found = unsafe event.data.scalar
            // The text may hold zeros, so its length counts and not its end.
            let text = unsafe String(
                decoding: UnsafeBufferPointer(start: found.value, count: found.length),
                as: UTF8.self
            )
            let scalar = unsafe Node.Scalar(text: text, style: style(found.style), tag: string(found.tag))
            return .scalar(scalar, anchor: unsafe string(found.anchor))
        // The stream's end, and libyaml's "no event", which it only gives after the end.
        default: return .streamEnd
        }
    }

    private func style(_ style: yaml_scalar_style_t) -> Node.Scalar.Style {
        switch style {
        case YAML_SINGLE_QUOTED_SCALAR_STYLE: .singleQuoted
        case YAML_DOUBLE_QUOTED_SCALAR_STYLE: .doubleQuoted
        case YAML_LITERAL_SCALAR_STYLE: .literal
        case YAML_FOLDED_SCALAR_STYLE: .folded
        default: .plain
        }
    }

    private func string(_ text: UnsafeMutablePointer<yaml_char_t>?) -> String? {
        guard let text = unsafe text else { return nil }
        return unsafe String(cString: text)
    }

    private func failure() -> SyntaxError {
        let state = unsafe parser.pointee
        let problem = unsafe state.problem.map { unsafe String(cString: $0) } ?? ""
        switch unsafe state.error {
        case YAML_MEMORY_ERROR:
            return SyntaxError("out of memory", at: .start)
        case YAML_READER_ERROR:
            // Only here the place is counted in bytes.
            let offset = unsafe min(Int(clamping: state.problem_offset), text.count)
            let before = unsafe String(decoding: UnsafeBufferPointer(rebasing: text[..<offset]), as: UTF8.self)
            let index = before.unicodeScalars.count
            return .unreadable(character: character(at: index), at: lines.mark(at: index))
        default:
            let context = unsafe state.context.map { unsafe String(cString: $0) } ?? ""
            let mark = unsafe lines.mark(at: Int(clamping: state.problem_mark.index))
            let start = unsafe lines.mark(at: Int(clamping: state.context_mark.index))
            return SyntaxCause(scalars, lines).complaint(problem, at: mark, from: start)
                ?? SyntaxError(
                    problem: problem,
                    context: context,
                    at: mark,
                    from: start,
                    character: character(at: mark.index)
                )
        }
    }

    private func character(at index: Int) -> Unicode.Scalar? {
        guard let place = scalars.index(scalars.startIndex, offsetBy: index, limitedBy: scalars.endIndex) else {
            return nil
        }
        return place < scalars.endIndex ? scalars[place] : nil
    }
}

/// One step of libyaml through a text, as a value of our own.
struct Event: Hashable {
    enum Kind: Hashable {
        case streamStart
        case streamEnd
        case documentStart
        case documentEnd
        case alias(String)
        case scalar(Node.Scalar, anchor: String?)
        case sequenceStart(anchor: String?, tag: String?)
        case sequenceEnd
        case mappingStart(anchor: String?, tag: String?)
        case mappingEnd
    }

    let kind: Kind
    let span: Span
}
