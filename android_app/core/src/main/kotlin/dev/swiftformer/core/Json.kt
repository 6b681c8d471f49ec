package dev.swiftformer.core

import java.math.BigDecimal

/** Text is not the JSON that [Json.parse] takes; [message] says what and where, in one line. */
class JsonException(message: String) : Exception(message)

/**
 * JSON from strangers, read strictly: what RFC 8259 forbids or leaves open is refused (names that occur twice, NaN,
 * numbers out of range, comments, anything behind the value, nesting beyond [MAX_DEPTH]).
 *
 * Android's org.json and Maven Central's of the same name differ in what they let pass and overflow the stack on deep
 * nesting; the tests on the JVM would prove nothing of the phone. Objects become [Map] (in their order), arrays [List],
 * numbers [Long] (whole, in range, without fraction and exponent) or [Double], and the rest [String], [Boolean], null.
 */
object Json {
    const val MAX_DEPTH = 64

    /** @throws JsonException it is no such text. */
    fun parse(text: String): Any? = Parser(text).document()

    /**
     * JSON text of maps with text keys, iterables, arrays of numbers, text, booleans, numbers and null; NaN and infinite
     * numbers become text, for no JSON parser takes them. Indented by one space a level where [indent] is set.
     */
    fun write(value: Any?, indent: Boolean = false): String =
        StringBuilder().also { Writer(it, indent).value(value, 0) }.toString()

    private class Parser(private val text: String) {
        private var at = 0

        fun document(): Any? {
            val value = value(0)
            blanks()
            if (at != text.length) wrong("something follows the value")
            return value
        }

        private fun value(depth: Int): Any? {
            if (depth > MAX_DEPTH) wrong("nested deeper than $MAX_DEPTH")
            blanks()
            return when (peek()) {
                '{' -> objectAt(depth)
                '[' -> arrayAt(depth)
                '"' -> string()
                't' -> word("true", true)
                'f' -> word("false", false)
                'n' -> word("null", null)
                else -> number()
            }
        }

        private fun objectAt(depth: Int): Map<String, Any?> {
            val values = LinkedHashMap<String, Any?>()
            at++
            blanks()
            if (peek() == '}') {
                at++
                return values
            }
            while (true) {
                blanks()
                if (peek() != '"') wrong("a name is missing")
                val name = string()
                if (values.containsKey(name)) wrong("a name occurs twice in one object")
                blanks()
                expect(':')
                values[name] = value(depth + 1)
                blanks()
                if (peek() != ',') break
                at++
            }
            expect('}')
            return values
        }

        private fun arrayAt(depth: Int): List<Any?> {
            val values = ArrayList<Any?>()
            at++
            blanks()
            if (peek() == ']') {
                at++
                return values
            }
            while (true) {
                values.add(value(depth + 1))
                blanks()
                if (peek() != ',') break
                at++
            }
            expect(']')
            return values
        }

        private fun string(): String {
            expect('"')
            val kept = StringBuilder()
            while (true) {
                val character = next()
                when {
                    character == '"' -> return kept.toString()
                    character == '\\' -> kept.append(escaped())
                    character < ' ' -> wrong("a control character in a text")
                    else -> kept.append(character)
                }
            }
        }

        private fun escaped(): Char = when (val character = next()) {
            '"', '\\', '/' -> character
            'b' -> '\b'
            'f' -> '\u000c'
            'n' -> '\n'
            'r' -> '\r'
            't' -> '\t'
            'u' -> {
                var code = 0
                repeat(4) {
                    val digit = "0123456789abcdef".indexOf(next().lowercaseChar())
                    if (digit < 0) wrong("a wrong \\u escape")
                    code = code * 16 + digit
                }
                code.toChar()
            }
            else -> wrong("a wrong escape")
        }

        private fun number(): Any {
            val start = at
            if (peek() == '-') at++
            if (peek() == '0') at++ else digits()
            var whole = true
            if (peek() == '.') {
                at++
                whole = false
                digits()
            }
            if (peek() == 'e' || peek() == 'E') {
                at++
                whole = false
                if (peek() == '+' || peek() == '-') at++
                digits()
            }
            val written = text.substring(start, at)
            if (whole) written.toLongOrNull()?.let { return it }
            val value = written.toDouble()
            if (value.isInfinite()) wrong("a number out of range")
            return value
        }

        private fun digits() {
            if (peek() !in '0'..'9') wrong("not a JSON value")
            while (peek() in '0'..'9') at++
        }

        private fun <T> word(expected: String, value: T): T {
            if (!text.startsWith(expected, at)) wrong("not a JSON value")
            at += expected.length
            return value
        }

        private fun blanks() {
            while (at < text.length && (text[at] == ' ' || text[at] == '\t' || text[at] == '\n' || text[at] == '\r')) at++
        }

        private fun peek(): Char = if (at < text.length) text[at] else '\u0000'

        private fun next(): Char {
            if (at >= text.length) wrong("it ends in the middle")
            return text[at++]
        }

        private fun expect(character: Char) {
            if (next() != character) {
                at--
                wrong("'$character' is missing")
            }
        }

        private fun wrong(what: String): Nothing = throw JsonException("$what at character ${at + 1}")
    }

    private class Writer(private val out: StringBuilder, private val indent: Boolean) {
        fun value(value: Any?, depth: Int) {
            when (value) {
                null, is Boolean, is Int, is Long, is Short, is Byte -> out.append(value)
                is Float -> if (value.isFinite()) out.append(plain(value.toString())) else text(value.toString())
                is Double -> if (value.isFinite()) out.append(plain(value.toString())) else text(value.toString())
                is CharSequence -> text(value)
                is Enum<*> -> text(value.name.lowercase())
                is Map<*, *> -> members(value, depth)
                is Iterable<*> -> elements(value.iterator(), depth)
                is FloatArray -> elements(value.iterator(), depth)
                is DoubleArray -> elements(value.iterator(), depth)
                is LongArray -> elements(value.iterator(), depth)
                is IntArray -> elements(value.iterator(), depth)
                else -> throw IllegalArgumentException("JSON has no ${value.javaClass.simpleName}")
            }
        }

        /** "1.0E10" of Kotlin as digits, without a loss. */
        private fun plain(number: String): String =
            if ('E' in number) BigDecimal(number).let { if (it.scale() in -20..20) it.toPlainString() else number } else number

        private fun members(values: Map<*, *>, depth: Int) {
            out.append('{')
            var first = true
            for ((name, value) in values) {
                if (!first) out.append(if (indent) "," else ", ")
                first = false
                line(depth + 1)
                text(name as String)
                out.append(": ")
                value(value, depth + 1)
            }
            if (!first) line(depth)
            out.append('}')
        }

        private fun elements(values: Iterator<*>, depth: Int) {
            out.append('[')
            var first = true
            for (value in values) {
                if (!first) out.append(", ")
                first = false
                value(value, depth + 1)
            }
            out.append(']')
        }

        private fun line(depth: Int) {
            if (!indent) return
            out.append('\n')
            repeat(depth) { out.append(' ') }
        }

        private fun text(value: CharSequence) {
            out.append('"')
            for (character in value) {
                when {
                    character == '"' || character == '\\' -> out.append('\\').append(character)
                    character < ' ' || character in '\ud800'..'\udfff' || character in '\u007f'..'\u009f' ||
                        character == '\u2028' || character == '\u2029' -> {
                        out.append("\\u")
                        for (shift in intArrayOf(12, 8, 4, 0)) out.append("0123456789abcdef"[character.code shr shift and 15])
                    }
                    else -> out.append(character)
                }
            }
            out.append('"')
        }
    }
}
