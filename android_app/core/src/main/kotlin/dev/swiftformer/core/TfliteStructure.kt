package dev.swiftformer.core

import java.nio.ByteBuffer

/**
 * What a .tflite file's graph says of itself, read after its whole structure was checked: every table, vector and number
 * of an operator, tensor or buffer that the runtime will follow lies inside the file.
 *
 * Field numbers are those of the public schema (schema.fbs, version 3).
 *
 * @property operators in the graph.
 * @property signatures their keys, in the file's order.
 * @property metadata the content of the buffer named TFLITE_METADATA, or null.
 */
internal class TfliteStructure private constructor(
    val inputs: List<RawTensor>,
    val outputs: List<RawTensor>,
    val operators: Int,
    val signatures: List<String>,
    val metadata: ByteBuffer?,
) {
    /** A tensor as the file has it; [type] is the schema's number. */
    class RawTensor(
        val name: String, val shape: IntArray, val type: Int, val scales: FloatArray, val zeroPoints: LongArray,
    ) {
        fun words(): String = "${typeName(type)} ${shape.joinToString(" x ")}"
    }

    companion object {
        const val FLOAT32 = 0
        const val UINT8 = 3
        const val INT8 = 9
        private const val METADATA_NAME = "TFLITE_METADATA"
        private val TYPES = listOf(
            "float32", "float16", "int32", "uint8", "int64", "string", "bool", "int16", "complex64", "int8", "float64",
        )
        private val TYPE_BYTES = intArrayOf(4, 2, 4, 1, 8, 0, 1, 2, 8, 1, 8)

        fun typeName(type: Int): String = TYPES.getOrElse(type) { "type $type" }

        /** @throws FlatException the file is no TFL3 flatbuffer, or is damaged. */
        fun read(file: ByteBuffer): TfliteStructure {
            val source = FlatBytes(file)
            val model = source.root("TFL3")
            if (model.unsignedInt(0) != 3L) throw FlatException("schema version ${model.unsignedInt(0)} where 3 is read")
            val codes = model.tables(1)
            for (code in codes) {
                code.byte(0)
                code.text(1)
                code.int(2)
                code.int(3)
            }
            val graphs = model.tables(2)
            if (graphs.size != 1) throw FlatException("${graphs.size} graphs where one is expected")
            model.text(3)
            if (model.has(9) && model.vector(9, 4)!!.count > 0) throw FlatException("it wants to read other files")
            val buffers = model.tables(4)
            val bufferBytes = LongArray(buffers.size) { bufferSize(buffers[it]) }
            val tensors = graphs[0].tables(0)
            val read = tensors.map { tensor(it, bufferBytes) }
            val operators = checkOperators(graphs[0], codes.size, tensors.size)
            graphs[0].text(4)
            return TfliteStructure(
                inputs = ends(graphs[0], 1, read),
                outputs = ends(graphs[0], 2, read),
                operators = operators,
                signatures = signatures(model, tensors.size),
                metadata = metadata(model, buffers),
            )
        }

        private fun bufferSize(buffer: FlatTable): Long {
            val inside = buffer.vector(0, 1)
            val offset = buffer.long(1)
            val length = buffer.long(2)
            if (offset < 0 || length < 0) throw FlatException("a buffer lies outside the file")
            if (offset > 1 || length > 1) {
                if (offset > buffer.source.size || length > buffer.source.size - offset) {
                    throw FlatException("$length bytes of weights at $offset lie outside the file")
                }
                return length
            }
            return inside?.count?.toLong() ?: 0
        }

        private fun tensor(table: FlatTable, bufferBytes: LongArray): RawTensor {
            val shape = table.ints(0)
            val type = table.byte(1)
            val buffer = table.unsignedInt(2)
            if (shape.size > 8) throw FlatException("a tensor of ${shape.size} dimensions")
            if (buffer >= bufferBytes.size && buffer != 0L) throw FlatException("a tensor names buffer $buffer of ${bufferBytes.size}")
            var elements = 1L
            for (length in shape) {
                if (length < 0) throw FlatException("a tensor's size is $length")
                elements = Math.multiplyExact(elements, maxOf(1, length).toLong())
                if (elements > Int.MAX_VALUE) throw FlatException("a tensor of more than 2^31 elements")
            }
            val stored = if (bufferBytes.isEmpty()) 0 else bufferBytes[buffer.toInt()]
            val each = TYPE_BYTES.getOrElse(type) { 0 }
            if (stored > 0 && each > 0 && !table.has(6) && stored != elements * each && 0 !in shape) {
                throw FlatException("a ${typeName(type)} tensor of $elements elements has $stored bytes")
            }
            val quantisation = table.table(4)
            val scales = quantisation?.floats(2) ?: FloatArray(0)
            val zeroPoints = quantisation?.longs(3) ?: LongArray(0)
            quantisation?.floats(0)
            quantisation?.floats(1)
            table.ints(7)
            return RawTensor(table.text(3), shape, type, scales, zeroPoints)
        }

        private fun checkOperators(graph: FlatTable, codes: Int, tensors: Int): Int {
            val operators = graph.tables(3)
            for (operator in operators) {
                if (operator.unsignedInt(0) >= codes) throw FlatException("an operator of kind ${operator.unsignedInt(0)} of $codes")
                for (slot in intArrayOf(1, 2)) {
                    for (index in operator.ints(slot)) {
                        if (index < -1 || index >= tensors) throw FlatException("an operator names tensor $index of $tensors")
                    }
                }
                operator.table(4) // Options: at least a table that lies inside.
                operator.vector(5, 1)
            }
            return operators.size
        }

        private fun ends(graph: FlatTable, slot: Int, tensors: List<RawTensor>): List<RawTensor> = graph.ints(slot).map {
            tensors.getOrNull(it) ?: throw FlatException("the graph names tensor $it of ${tensors.size}")
        }

        private fun signatures(model: FlatTable, tensors: Int): List<String> = model.tables(7).map { signature ->
            for (slot in intArrayOf(0, 1)) {
                for (entry in signature.tables(slot)) {
                    entry.text(0)
                    if (entry.unsignedInt(1) >= tensors) throw FlatException("a signature names tensor ${entry.unsignedInt(1)}")
                }
            }
            if (signature.unsignedInt(4) != 0L) throw FlatException("a signature of another graph")
            signature.text(2)
        }

        private fun metadata(model: FlatTable, buffers: List<FlatTable>): ByteBuffer? {
            val named = model.tables(6).filter { it.text(0) == METADATA_NAME }
            if (named.isEmpty()) return null
            if (named.size > 1) throw FlatException("${named.size} entries named $METADATA_NAME")
            val buffer = buffers.getOrNull(named[0].unsignedInt(1).coerceAtMost(Int.MAX_VALUE.toLong()).toInt())
                ?: throw FlatException("its metadata are in a buffer that is not there")
            val content = buffer.vector(0, 1) ?: throw FlatException("its metadata are empty")
            val bytes = model.source.data.duplicate()
            bytes.limit((content.first + content.count).toInt())
            bytes.position(content.first.toInt())
            return bytes.slice()
        }
    }
}
