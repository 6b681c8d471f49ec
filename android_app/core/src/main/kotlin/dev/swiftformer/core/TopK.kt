package dev.swiftformer.core

/**
 * The classes with the largest values, best first; equal values in the order of their index, as numpy's stable sort gives.
 * NaN counts as the smallest. Allocates nothing after it is made.
 *
 * @property count how many are kept: [k], or all classes where there are fewer.
 */
class TopK(val k: Int, classes: Int) {
    val count = minOf(k, classes)

    /** Their indices, best first. */
    val indices = IntArray(count)

    init {
        require(k > 0 && classes > 0) { "the best $k of $classes classes" }
    }

    /** Find them in [values], one for each class. */
    fun update(values: FloatArray) {
        require(values.size >= count) { "${values.size} values where $count are kept" }
        var kept = 0
        for (index in values.indices) {
            var place = kept
            while (place > 0 && isBetter(values[index], values[indices[place - 1]])) place--
            if (place >= count) continue
            val last = minOf(kept, count - 1)
            for (i in last downTo place + 1) indices[i] = indices[i - 1]
            indices[place] = index
            if (kept < count) kept++
        }
    }

    private fun isBetter(value: Float, than: Float): Boolean = value > than || (than.isNaN() && !value.isNaN())
}
