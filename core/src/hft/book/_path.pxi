# Depth messages from bytes to book in one call, where nothing is out of the ordinary.
#
# Whatever is not exactly as expected is left to the exchange's codec and the `Synchroniser`, before anything
# has been touched: the two are what this must be equal to.

cdef extern from *:
    """
    #include <time.h>

    /* What time.monotonic_ns reads; elsewhere it reads another clock than this one. */
    #if defined(__linux__)
    #define HFT_MONOTONIC 1
    static inline int64_t hft_monotonic_ns(void) {
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
    }
    #else
    #define HFT_MONOTONIC 0
    static inline int64_t hft_monotonic_ns(void) { return 0; }
    #endif
    """
    const bint HAVE_MONOTONIC "HFT_MONOTONIC"
    int64_t monotonic_ns "hft_monotonic_ns"() noexcept

cdef extern from "Python.h":
    ctypedef struct PyMemberDescrObject:
        PyMemberDef* d_member
    int PyObject_TypeCheck(object o, PyTypeObject* type)
    PyObject* PyDict_GetItem(object mapping, object key)


# -- layouts -----------------------------------------------------------------------------------------

cdef enum:
    FIRST_ID = 0
    LAST_ID = 1
    PREV_ID = 2
    TIME = 3
    NUMBERS = 4
    BIDS = 4
    ASKS = 5
    LITERAL = 7
    ID_DIGITS = 18  # so many nines fit in 63 bits

cdef enum:
    RANGE = 0
    PREVIOUS = 1
    NEXT = 2

cdef struct Part:
    int kind
    Text text
    Py_ssize_t length


cdef class NativeLayout:
    """A `DepthLayout` as the reader goes through it."""

    cdef tuple texts  # whose bytes the parts point to
    cdef Part* parts
    cdef Py_ssize_t count
    cdef int64_t time_unit_ns

    def __cinit__(self, layout):
        cdef Py_ssize_t i
        self.texts = tuple(layout.parts)
        self.time_unit_ns = layout.time_unit_ns
        self.parts = <Part*>PyMem_Malloc(max(1, len(self.texts)) * sizeof(Part))
        if self.parts == NULL:
            raise MemoryError
        for i, part in enumerate(self.texts):
            if isinstance(part, bytes):
                self.parts[i] = Part(LITERAL, <Text>PyBytes_AsString(part), PyBytes_Size(part))
            else:
                self.parts[i] = Part(part, NULL, 0)
        self.count = len(self.texts)

    def __dealloc__(self):
        PyMem_Free(self.parts)

    cdef bint read(self, Cursor* c, NativeCore book, Batch* bids, Batch* asks, int64_t* numbers) except -1:
        """Read a message; return False if it is not exactly of this layout, or its levels are not plain."""
        cdef Py_ssize_t i
        cdef Part* part
        cdef int64_t ignored
        bids.count = asks.count = 0
        for i in range(NUMBERS):
            numbers[i] = 0
        for i in range(self.count):
            part = self.parts + i
            if part.kind == LITERAL:
                if c.end - c.at < part.length or memcmp(c.at, part.text, part.length):
                    return False
                c.at += part.length
            elif part.kind == BIDS or part.kind == ASKS:
                if not read_levels(c, &book.prices, &book.sizes, bids if part.kind == BIDS else asks):
                    return False
            elif not read_number(c, numbers + part.kind if part.kind < NUMBERS else &ignored):
                return False
        if c.at != c.end or numbers[TIME] > INT64_MAX // self.time_unit_ns:
            return False
        numbers[TIME] *= self.time_unit_ns
        return True


cdef NativeLayout compiled(layout):
    native = layout.compiled
    if native is None:
        native = layout.compiled = NativeLayout(layout)
    return native


cdef class ReadLevels:
    """Levels that were read, for a book of the same grid: they stand where a slice might stand."""

    cdef Batch batch
    cdef Grid prices
    cdef Grid sizes

    def pairs(self):
        """Return the levels as they stood, as tuples of price and size."""
        cdef Py_ssize_t i
        return [(self.batch.ticks[i], self.batch.lots[i]) for i in range(self.batch.count)]

    def __dealloc__(self):
        PyMem_Free(self.batch.ticks)
        PyMem_Free(self.batch.lots)


cdef bint same_grid(const Grid* one, const Grid* other) noexcept:
    return one.decimals == other.decimals and one.unit == other.unit


# -- what a path reaches into ------------------------------------------------------------------------

# Plain slots of Python classes, read and written where they lie, as CPython's interpreter does.
cdef Py_ssize_t market_book, market_counters, market_trace, market_on_book
cdef Py_ssize_t counters_frames, counters_updates
cdef Py_ssize_t trace_now, trace_replay, trace_arrived, trace_recv, trace_exchange, trace_decoded
cdef Py_ssize_t trace_applied, trace_last, trace_pending
cdef object market_type = None
cdef object counters_type = None
cdef object trace_type = None
cdef object system_clock_type = None
cdef object ZERO = 0


cdef Py_ssize_t offset_of(object owner, str name) except -1:
    descriptor = getattr(owner, name)
    if type(descriptor) is not MemberDescriptorType:
        raise TypeError(f"{owner.__name__}.{name} is no slot")
    return (<PyMemberDescrObject*><PyObject*>descriptor).d_member.offset


cdef inline PyObject** slot(PyObject* owner, Py_ssize_t offset) noexcept:
    return <PyObject**>(<char*>owner + offset)


def bind(market, counters, trace, system_clock):
    """Tell the classes whose slots a path reads and writes."""
    global market_type, counters_type, trace_type, system_clock_type
    global market_book, market_counters, market_trace, market_on_book
    global counters_frames, counters_updates
    global trace_now, trace_replay, trace_arrived, trace_recv, trace_exchange, trace_decoded
    global trace_applied, trace_last, trace_pending
    market_book = offset_of(market, "book")
    market_counters = offset_of(market, "counters")
    market_trace = offset_of(market, "trace")
    market_on_book = offset_of(market, "on_book")
    counters_frames = offset_of(counters, "frames")
    counters_updates = offset_of(counters, "book_updates")
    trace_now = offset_of(trace, "now_ns")
    trace_replay = offset_of(trace, "_replay_ns")
    trace_arrived = offset_of(trace, "_arrived_ns")
    trace_recv = offset_of(trace, "recv_ns")
    trace_exchange = offset_of(trace, "exchange_ns")
    trace_decoded = offset_of(trace, "decoded_ns")
    trace_applied = offset_of(trace, "applied_ns")
    trace_last = offset_of(trace, "_last_ns")
    trace_pending = offset_of(trace, "_pending")
    market_type, counters_type, trace_type, system_clock_type = market, counters, trace, system_clock


cdef int add_one(PyObject** count) except -1:
    replace(count, <object>count[0] + 1)
    return 0


# The clock that was looked at last, and what it adds to the system's.
cdef object known_clock = None
cdef bint clock_is_system = False
cdef int64_t clock_offset_ns = 0


cdef int learn_clock(object now_ns) except -1:
    global known_clock, clock_is_system, clock_offset_ns
    owner = getattr(now_ns, "__self__", None)
    clock_is_system = (
        HAVE_MONOTONIC
        and type(owner) is system_clock_type
        and getattr(now_ns, "__func__", None) is system_clock_type.now_ns
    )
    clock_offset_ns = owner._offset_ns if clock_is_system else 0
    known_clock = now_ns
    return 0


cdef inline object look_at_clock(PyObject* now_ns):
    """Return what ``now_ns()`` returns; the system's clock is read without a call of Python."""
    if now_ns != <PyObject*>known_clock:
        learn_clock(<object>now_ns)
    if clock_is_system:
        return monotonic_ns() + clock_offset_ns
    return (<object>now_ns)()


# -- paths -------------------------------------------------------------------------------------------

cdef Batch path_bids = Batch(NULL, NULL, 0, 0)
cdef Batch path_asks = Batch(NULL, NULL, 0, 0)
cdef bint path_busy = False  # what was read has not come to its book yet


cdef class Gate:
    """Whether updates of one book may take the path: it is LIVE, in step, and nothing is being settled."""

    cdef public bint open


cdef class DepthPath:
    """From the bytes of a depth message to its market's listeners; see `hft.depth_path.depth_path`."""

    cdef object market
    cdef Gate gate
    cdef NativeLayout layout
    cdef int chain
    cdef object on_crossed

    def __init__(self, market, Gate gate, layout, int chain, on_crossed):
        if type(market) is not market_type:
            raise TypeError(f"{market!r} is no Market")
        self.market = market
        self.gate = gate
        self.layout = compiled(layout)
        self.chain = chain
        self.on_crossed = on_crossed

    cdef bint take(self, Cursor c, object recv_ns, PyObject* frame_trace) except -1:
        """Take a message; return False, with nothing done, if it has to go the long way."""
        global path_busy
        cdef PyObject* market = <PyObject*>self.market
        cdef object trace = <object>slot(market, market_trace)[0]
        cdef object counters = <object>slot(market, market_counters)[0]
        cdef int64_t numbers[NUMBERS]
        cdef int64_t book_id
        cdef int overflow = 0
        cdef NativeCore book
        if not self.gate.open or path_busy:
            return False
        if not PyObject_TypeCheck(<object>slot(market, market_book)[0], <PyTypeObject*>NativeCore):
            return False
        if type(trace) is not trace_type or type(counters) is not counters_type:
            return False
        book = <NativeCore>slot(market, market_book)[0]
        if book.state != <PyObject*>LIVE:
            return False
        book_id = PyLong_AsLongLongAndOverflow(<object>book.update_id, &overflow)
        if overflow or book_id < 0:
            return False
        path_busy = True
        try:
            if slot(frame_trace, trace_replay)[0] == <PyObject*>None:
                began = recv_ns
            else:
                began = look_at_clock(slot(frame_trace, trace_now)[0])
            if not self.layout.read(&c, book, &path_bids, &path_asks, numbers):
                return False
            if numbers[LAST_ID] <= book_id:
                return False
            if self.chain == RANGE:
                if numbers[FIRST_ID] - 1 > book_id:
                    return False
            elif self.chain == NEXT:
                if numbers[LAST_ID] - 1 != book_id:
                    return False
            elif numbers[PREV_ID] != book_id:
                return False
            if book.bid_side.meets_odd(&path_bids) or book.ask_side.meets_odd(&path_asks):
                return False
            begin_trace(frame_trace, recv_ns, began)
            add_one(slot(<PyObject*>counters, counters_frames))
            stamp(trace, trace_decoded)
            book.bid_side.make_room(path_bids.count)
            book.ask_side.make_room(path_asks.count)
            book.bid_side.merge(&path_bids)
            book.ask_side.merge(&path_asks)
        finally:
            path_busy = False
        book.refresh()
        stamp(trace, trace_applied)
        exchange_ns = numbers[TIME]
        replace(slot(<PyObject*>trace, trace_exchange), exchange_ns)
        replace(&book.update_id, numbers[LAST_ID])
        replace(&book.exchange_ns, exchange_ns)
        replace(&book.recv_ns, recv_ns)
        if book.crosses():
            self.on_crossed(numbers[LAST_ID])
        else:
            add_one(slot(<PyObject*>counters, counters_updates))
            (<object>slot(market, market_on_book)[0])(book)
        return True


cdef inline int stamp(object trace, Py_ssize_t offset) except -1:
    replace(slot(<PyObject*>trace, offset), look_at_clock(slot(<PyObject*>trace, trace_now)[0]))
    return 0


cdef inline void begin_trace(PyObject* trace, object recv_ns, object began) noexcept:
    replace(slot(trace, trace_arrived), recv_ns)
    replace(slot(trace, trace_recv), began)
    replace(slot(trace, trace_exchange), ZERO)
    replace(slot(trace, trace_decoded), ZERO)
    replace(slot(trace, trace_applied), ZERO)
    replace(slot(trace, trace_last), ZERO)


cdef class DepthPaths:
    """The paths of one connection, by what names their stream: the text behind ``head`` up to a quote."""

    cdef bytes head
    cdef dict paths

    def __init__(self, bytes head):
        self.head = head
        self.paths = {}

    def add(self, str name, path):
        """Let the messages of a stream take a path; None takes it away."""
        if path is None:
            self.paths.pop(name.encode(), None)
        else:
            self.paths[name.encode()] = <DepthPath?>path

    def clear(self):
        """Let no message take a path any more."""
        self.paths.clear()

    def take(self, data, recv_ns, trace):
        """Take a frame; return False, with nothing done, if it is for the codec.

        ``trace`` is begun and ended as for every frame; only the caller ends it if this raises what a
        listener raised.
        """
        cdef Cursor c
        cdef Text name, quote
        cdef Py_ssize_t length = PyBytes_GET_SIZE(self.head)
        cdef PyObject* found
        cdef DepthPath path
        if not PyBytes_CheckExact(data) or type(trace) is not trace_type:
            return False
        c.at = <Text>PyBytes_AS_STRING(data)
        c.end = c.at + PyBytes_GET_SIZE(data)
        if c.end - c.at < length or memcmp(c.at, PyBytes_AS_STRING(self.head), length):
            return False
        name = c.at + length
        quote = <Text>memchr(name, c'"', c.end - name)
        if quote == NULL:
            return False
        found = PyDict_GetItem(self.paths, PyBytes_FromStringAndSize(<const char*>name, quote - name))
        if found == NULL:
            return False
        path = <DepthPath>found
        if not path.take(c, recv_ns, <PyObject*>trace):
            return False
        replace(slot(<PyObject*>trace, trace_recv), ZERO)
        if <object>slot(<PyObject*>trace, trace_pending)[0]:
            trace._count()
        return True
