package dev.swiftformer.core

import java.nio.ByteBuffer
import java.nio.ByteOrder

/** The bytes are no flatbuffer of the expected kind; [message] says what is wrong. */
internal class FlatException(message: String) : Exception(message)

/**
 * A flatbuffer read with bounds: every offset and length is checked against the bytes before it is used, and only
 * [MAX_ITEMS] tables and vector elements are looked at, so that no file reads outside, overflows or takes hours
 * (`converters/tflite/bounded.py`, whose rules these are).
 *
 * What follows the flatbuffer (an archive of associated files) does no harm. The buffer's position is not used or moved.
 */
internal class FlatBytes(buffer: ByteBuffer) {
    val data: ByteBuffer = (buffer.duplicate() as ByteBuffer).order(ByteOrder.LITTLE_ENDIAN).also { it.clear() }
    val size: Int = data.capacity()
    private var itemsLeft = MAX_ITEMS

    fun root(identifier: String): FlatTable {
        if (size < 8) throw FlatException("$size bytes are too few")
        for (i in 0 until 4) {
            if (data.get(4 + i).toInt() != identifier[i].code) throw FlatException("it does not carry the identifier $identifier")
        }
        return FlatTable(this, offsetAt(0))
    }

    fun spend(items: Int) {
        itemsLeft -= items
        if (itemsLeft < 0) throw FlatException("its tables refer to more than $MAX_ITEMS items")
    }

    fun check(start: Long, length: Long) {
        if (start < 0 || length < 0 || start + length > size) {
            throw FlatException("$length bytes at $start lie outside the $size bytes there are")
        }
    }

    fun byte(at: Long): Int {
        check(at, 1)
        return data.get(at.toInt()).toInt()
    }

    fun unsignedShort(at: Long): Int {
        check(at, 2)
        return data.getShort(at.toInt()).toInt() and 0xffff
    }

    fun int(at: Long): Int {
        check(at, 4)
        return data.getInt(at.toInt())
    }

    fun unsignedInt(at: Long): Long = int(at).toLong() and 0xffffffffL

    fun long(at: Long): Long {
        check(at, 8)
        return data.getLong(at.toInt())
    }

    /** Where the forward offset stored at [at] leads. */
    fun offsetAt(at: Long): Long {
        val target = at + unsignedInt(at)
        check(target, 4)
        return target
    }

    /** First element and number of elements of [elementBytes] of the vector at [start]. */
    fun vectorAt(start: Long, elementBytes: Int): FlatVector {
        val count = unsignedInt(start)
        check(start + 4, Math.multiplyExact(count, elementBytes.toLong()))
        return FlatVector(start + 4, count.toInt())
    }

    fun text(vector: FlatVector): String {
        if (vector.count > MAX_TEXT_BYTES) throw FlatException("a text of ${vector.count} bytes")
        spend(vector.count / 64)
        val bytes = ByteArray(vector.count) { data.get((vector.first + it).toInt()) }
        return String(bytes, Charsets.UTF_8)
    }

    companion object {
        const val MAX_ITEMS = 250_000
        const val MAX_TEXT_BYTES = 1 shl 20
    }
}

/** Where a vector's elements begin, and how many there are. */
internal class FlatVector(val first: Long, val count: Int)

/** A table of a flatbuffer; fields by their number in the schema, absent ones with their default. */
internal class FlatTable(val source: FlatBytes, private val position: Long) {
    private val fields: Long
    private val fieldCount: Int
    private val inlineBytes: Int

    init {
        source.spend(1)
        val vtable = position - source.int(position)
        source.check(vtable, 4)
        val bytes = source.unsignedShort(vtable)
        if (bytes < 4 || bytes % 2 != 0) throw FlatException("a table's field list is $bytes bytes long")
        source.check(vtable, bytes.toLong())
        inlineBytes = source.unsignedShort(vtable + 2)
        source.check(position, maxOf(4, inlineBytes).toLong())
        fields = vtable + 4
        fieldCount = (bytes - 4) / 2
    }

    /** Where field [slot] of [bytes] bytes is stored; -1 where it is not. */
    private fun at(slot: Int, bytes: Int): Long {
        val offset = if (slot < fieldCount) source.unsignedShort(fields + 2L * slot) else 0
        if (offset == 0) return -1
        if (offset < 4 || offset + bytes > inlineBytes) throw FlatException("a field lies outside its table")
        return position + offset
    }

    fun has(slot: Int): Boolean = at(slot, 1) >= 0

    fun byte(slot: Int, default: Int = 0): Int = at(slot, 1).let { if (it < 0) default else source.byte(it) }

    fun int(slot: Int, default: Int = 0): Int = at(slot, 4).let { if (it < 0) default else source.int(it) }

    fun unsignedInt(slot: Int): Long = at(slot, 4).let { if (it < 0) 0 else source.unsignedInt(it) }

    fun long(slot: Int): Long = at(slot, 8).let { if (it < 0) 0 else source.long(it) }

    fun text(slot: Int): String = vector(slot, 1)?.let { source.text(it) } ?: ""

    fun table(slot: Int): FlatTable? = at(slot, 4).let { if (it < 0) null else FlatTable(source, source.offsetAt(it)) }

    fun vector(slot: Int, elementBytes: Int): FlatVector? =
        at(slot, 4).let { if (it < 0) null else source.vectorAt(source.offsetAt(it), elementBytes) }

    fun ints(slot: Int): IntArray {
        val vector = vector(slot, 4) ?: return IntArray(0)
        source.spend(vector.count)
        return IntArray(vector.count) { source.int(vector.first + 4L * it) }
    }

    fun floats(slot: Int): FloatArray = ints(slot).let { bits -> FloatArray(bits.size) { Float.fromBits(bits[it]) } }

    fun longs(slot: Int): LongArray {
        val vector = vector(slot, 8) ?: return LongArray(0)
        source.spend(vector.count)
        return LongArray(vector.count) { source.long(vector.first + 8L * it) }
    }

    fun tables(slot: Int): List<FlatTable> {
        val vector = vector(slot, 4) ?: return emptyList()
        source.spend(vector.count)
        return List(vector.count) { FlatTable(source, source.offsetAt(vector.first + 4L * it)) }
    }
}
