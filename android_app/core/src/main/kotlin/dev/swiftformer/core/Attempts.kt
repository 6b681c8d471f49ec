package dev.swiftformer.core

/** A small text that outlives the process; written through to the disk before [write] returns. */
interface AttemptStore {
    /** What was written last; empty before. */
    fun read(): String

    fun write(text: String)
}

/**
 * Crash counts by name, and the attempts that are under way.
 *
 * Nothing is remembered beside the store, which is read before each change: another chooser of the same process writes it
 * too. The attempts in it are of the process that it names; those of another one ended with that process.
 */
internal class Attempts(private val store: AttemptStore, private val process: String) {
    private class Record(val counts: LinkedHashMap<String, Int>, val pending: ArrayList<String>)

    init {
        change { false }
    }

    fun crashes(name: String): Int = synchronized(LOCK) { read(null).counts[name] ?: 0 }

    fun begun(name: String) = change { it.pending.add(name) }

    /** It goes on no longer, without a crash; earlier crashes still count. */
    fun left(name: String) = change { it.pending.remove(name) }

    /** As [left], and earlier crashes are forgotten. */
    fun survived(name: String) = change {
        val changed = it.pending.remove(name)
        it.counts.remove(name) != null || changed
    }

    /** Earlier crashes count as at most [most]. */
    fun lower(name: String, most: Int) = change {
        val lowered = (it.counts[name] ?: 0) > most
        if (lowered) it.counts[name] = most
        lowered
    }

    /** @param change says whether it changed anything. */
    private fun change(change: (Record) -> Boolean) = synchronized(LOCK) {
        val ended = LinkedHashSet<String>()
        val record = read(ended)
        for (name in ended) record.counts[name] = (record.counts[name] ?: 0) + 1
        if (change(record) || ended.isNotEmpty()) write(record)
    }

    /**
     * What cannot be read counts as nothing: the store is the app's own, and a damaged one must not stop it.
     *
     * @param ended takes the attempts of a process that is no more.
     */
    private fun read(ended: MutableSet<String>?): Record {
        val record = Record(LinkedHashMap(), ArrayList())
        val json = try {
            Json.parse(store.read())
        } catch (_: JsonException) {
            return record
        }
        val values = json as? Map<*, *> ?: return record
        for ((name, count) in values["crashes"] as? Map<*, *> ?: emptyMap<String, Any>()) {
            if (name is String && count is Long && count in 1..1000) record.counts[name] = count.toInt()
        }
        val pending = (values["pending"] as? List<*> ?: emptyList<String>()).filterIsInstance<String>()
        if (values["process"] == process) record.pending.addAll(pending) else ended?.addAll(pending)
        return record
    }

    private fun write(record: Record) {
        val counts = record.counts
        while (counts.size > MAX_NAMES) counts.remove(counts.keys.first())
        store.write(Json.write(mapOf("crashes" to counts, "pending" to record.pending, "process" to process)))
    }

    private companion object {
        const val MAX_NAMES = 200
        val LOCK = Any()
    }
}

/**
 * One chooser's attempt among [attempts]: under way while an engine starts, runs or closes, but not while it rests, when
 * the system may end the process for reasons of its own. [rest] and [work] may come from another thread.
 */
internal class Marker(private val attempts: Attempts) {
    private var name: String? = null
    private var written = false
    private var resting = false
    private var starting = false

    /** [name] starts. */
    @Synchronized
    fun begin(name: String) {
        this.name = name
        starting = true
        if (!resting) write()
    }

    /** What began has started; from now on it runs where somebody calls [goOn]. */
    @Synchronized
    fun started() {
        starting = false
    }

    /** What began goes on. */
    @Synchronized
    fun goOn() {
        if (!resting) write()
    }

    /** What began closes; that may crash too, and where nothing runs more than elsewhere. */
    @Synchronized
    fun closing() = write()

    /** What began has ended without a crash. */
    @Synchronized
    fun end(survived: Boolean) {
        starting = false
        val ended = name ?: return
        if (survived) attempts.survived(ended) else if (written) attempts.left(ended)
        name = null
        written = false
    }

    /** Nothing runs until [work]. */
    @Synchronized
    fun rest() {
        resting = true
        name?.takeIf { written }?.let { attempts.left(it) }
        written = false
    }

    /** What is starting is written at once; else the next to go on writes. */
    @Synchronized
    fun work() {
        resting = false
        if (starting) write()
    }

    private fun write() {
        val under = name ?: return
        if (!written) attempts.begun(under)
        written = true
    }
}
