# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""The order book in C: contiguous arrays, filled straight from the JSON that the exchange sent.

`read_slice` understands what exchanges send in their daily business. Everything else (levels off the
grid, escapes, nested values, numbers of twenty digits, whatever is not JSON) is left to `apply_exactly`,
which keeps it or names its fault. Nothing of a book is touched before both slices have been read to
their ends.
"""

cimport cython
from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_CheckBuffer
from cpython.bytes cimport (
    PyBytes_AS_STRING,
    PyBytes_AsString,
    PyBytes_CheckExact,
    PyBytes_FromStringAndSize,
    PyBytes_GET_SIZE,
    PyBytes_Size,
)
from cpython.exc cimport PyErr_Clear
from cpython.list cimport PyList_New
from cpython.mem cimport PyMem_Free, PyMem_Malloc, PyMem_Realloc
from cpython.object cimport PyObject, PyTypeObject
from cpython.ref cimport Py_INCREF, Py_XDECREF
from libc.stdint cimport INT64_MAX, INT64_MIN, UINT64_MAX, int64_t, uint64_t
from libc.string cimport memchr, memcmp, memcpy, memmove

from types import MemberDescriptorType

from hft.book._reader cimport Batch, Cursor, Grid, Text, read_levels, read_number, read_slice, reserve

from hft.book.interface import OrderBook
from hft.book.layout import DepthMessage
from hft.errors import DataError, GridError
from hft.instrument import MAX_COUNT
from hft.types import BookState, Side

__all__ = [
    "DepthPath",
    "DepthPaths",
    "Gate",
    "NativeCore",
    "NativeFills",
    "NativeLoop",
    "NativeSide",
    "NativeTime",
    "NativeTimer",
    "ReadLevels",
    "bind",
    "bind_fills",
    "bind_loop",
    "members",
]

cdef extern from "Python.h":
    """
    #include <structmember.h>
    """
    ctypedef struct PyMemberDef:
        const char* name
        int type
        Py_ssize_t offset
        int flags
    int T_OBJECT_EX, READONLY
    object PyDescr_NewMember(PyTypeObject* type, PyMemberDef* member)
    void PyList_SET_ITEM(object list, Py_ssize_t index, PyObject* item)
    int PyObject_GetBuffer(object exporter, Py_buffer* view, int flags)  # the caller looks at the result
    Py_ssize_t PY_SSIZE_T_MAX
    int64_t PyLong_AsLongLongAndOverflow(object number, int* overflow) except? -1

cdef object BUY = Side.BUY
cdef object SELL = Side.SELL
cdef object LIVE = BookState.LIVE
cdef object SYNCING = BookState.SYNCING
cdef object BROKEN = BookState.BROKEN
cdef extern from *:
    """
    #define HFT_LIMIT ((int64_t)1 << 62)
    #define HFT_NO_KEY (-HFT_LIMIT)
    """
    const int64_t LIMIT "HFT_LIMIT"  # two such counts can be added without a look at the result
    const int64_t NO_KEY "HFT_NO_KEY"  # worse than every key of a level

if LIMIT != MAX_COUNT:
    raise ImportError(f"counts end at {MAX_COUNT}, in native code at {LIMIT}")


# -- reading slices ----------------------------------------------------------------------------------

# What is being read; kept from one update to the next for its memory. The lock of the interpreter is
# held, and no Python code runs, from the first byte read until the levels are in their book.
cdef Batch new_bids = Batch(NULL, NULL, 0, 0)
cdef Batch new_asks = Batch(NULL, NULL, 0, 0)


cdef Grid make_grid(object grid) except *:
    return Grid(0, 0) if grid.unit > UINT64_MAX else Grid(grid.decimals, grid.unit)


cdef bint borrow(object data, Cursor* c, Py_buffer* view) noexcept:
    """Point the cursor at the bytes of an object; what is lent goes back with `PyBuffer_Release`."""
    view.len = -1  # nothing is lent
    if PyBytes_CheckExact(data):
        c.at = <Text>PyBytes_AsString(data)
        c.end = c.at + PyBytes_Size(data)
        return True
    if not PyObject_CheckBuffer(data):
        return False
    if PyObject_GetBuffer(data, view, PyBUF_SIMPLE) < 0:
        PyErr_Clear()
        view.len = -1
        return False
    c.at = <Text>view.buf
    c.end = c.at + view.len
    return True


# -- levels ------------------------------------------------------------------------------------------

cdef enum:
    KEPT = 32  # so many pairs of price and size are kept, best first, for who asks again
    GAPS = 8  # so many ticks without a level are passed over before a level is searched for


@cython.final
cdef class NativeSide:
    """The levels of one side, worst first: a change near the touch moves little memory.

    ``keys`` are the ticks of bids and the negated ticks of asks, ascending on both sides, so that one
    code serves both. ``odd`` belongs to the `Ladder` that keeps the levels off the grid. For it this is
    a map of price to size.

    The pairs that `top` hands out are kept until their levels change: a list of the best levels is made of
    those that are there, and of new ones only where something happened.
    """

    cdef int64_t* keys
    cdef int64_t* lots
    cdef Py_ssize_t count
    cdef Py_ssize_t room
    cdef int64_t best  # key, `NO_KEY` where there is none
    cdef int64_t sign
    cdef readonly dict odd
    cdef int64_t shown_key  # what is shown as the best; 0 while the side is shown empty
    # Pairs by their places from the best outwards; NULL where there is none, or none any more.
    cdef PyObject* kept[KEPT]
    cdef Py_ssize_t kept_count
    cdef uint64_t changes  # counts what was done to the levels

    def __cinit__(self, int sign):
        self.sign, self.best = 1 if sign > 0 else -1, NO_KEY
        self.odd = {}

    def __dealloc__(self):
        self.forget()
        PyMem_Free(self.keys)
        PyMem_Free(self.lots)

    def __len__(self):
        return self.count

    def __setitem__(self, price, size):
        self.make_room(1)
        self.put(<int64_t>price * self.sign, size)

    def get(self, price, default):
        """Return the size at a price."""
        cdef int64_t key = <int64_t>price * self.sign
        cdef Py_ssize_t at = self.find(key)
        return self.lots[at] if at < self.count and self.keys[at] == key else default

    def pop(self, price, default):
        """Delete a level; return its size."""
        size = self.get(price, default)
        self.put(<int64_t>price * self.sign, 0)
        return size

    def items(self):
        """Return all levels, best first."""
        return self.top(self.count)

    def clear(self):
        """Delete all levels."""
        self.empty()

    cdef inline void empty(self) noexcept:
        self.count, self.best = 0, NO_KEY
        self.forget()

    cdef inline void forget(self) noexcept:
        """Let go of all kept pairs."""
        self.changes += 1
        while self.kept_count:
            self.kept_count -= 1
            Py_XDECREF(self.kept[self.kept_count])
            self.kept[self.kept_count] = NULL

    cdef inline void forget_one(self, Py_ssize_t rank) noexcept:
        """Let go of one kept pair, whose level changes; it is one of those that are kept."""
        Py_XDECREF(self.kept[rank])
        self.kept[rank] = NULL

    cdef void move_kept(self, Py_ssize_t rank, bint away) noexcept:
        """Make a gap in the kept pairs for a new level, or close that of one that is gone."""
        cdef PyObject** place = self.kept + rank
        cdef Py_ssize_t behind = self.kept_count - rank
        if away:
            if self.kept_count == KEPT:
                behind -= 1
                Py_XDECREF(self.kept[KEPT - 1])
            else:
                self.kept_count += 1
            memmove(place + 1, place, behind * sizeof(PyObject*))
            place[0] = NULL
        else:
            Py_XDECREF(place[0])
            memmove(place, place + 1, (behind - 1) * sizeof(PyObject*))
            self.kept_count -= 1
            self.kept[self.kept_count] = NULL

    cdef inline int make_room(self, Py_ssize_t more) except -1:
        if self.count + more > self.room:
            self.grow(self.count + more)
        return 0

    cdef int grow(self, Py_ssize_t wanted) except -1:
        return reserve(&self.keys, &self.lots, &self.room, wanted + wanted // 8 + 8)

    cdef inline Py_ssize_t find(self, int64_t key) noexcept:
        """Return where a key stands or would stand: from the best outwards in doubling steps, then between."""
        cdef Py_ssize_t high = self.count, step = 1, low = self.guess(key), middle
        if low < high and self.keys[low] == key:
            return low
        low = high - 1
        while low >= 0 and self.keys[low] >= key:
            high = low
            step *= 2
            low = high - step
        if low < 0:
            low = -1
        while high - low > 1:
            middle = (low + high) // 2
            if self.keys[middle] >= key:
                high = middle
            else:
                low = middle
        return high

    cdef inline Py_ssize_t guess(self, int64_t key) noexcept:
        """Return where a key stands if it does so and that takes no search, otherwise any place, or `count`."""
        # Where no tick lacks its level, as near the touch of a busy market, it is known; where a few do, it is
        # as many places nearer to the best.
        cdef uint64_t rank = <uint64_t>self.best - <uint64_t>key
        cdef Py_ssize_t at, end
        if rank >= <uint64_t>self.count:
            return self.count
        at = self.count - 1 - <Py_ssize_t>rank
        end = at + GAPS
        while self.keys[at] < key and at < end:
            at += 1
        return at

    cdef inline bint is_full(self) noexcept:
        return self.count == self.room

    cdef inline void put(self, int64_t key, int64_t lots) noexcept:
        """Set a level, or delete it where lots are 0; there must be room for one more."""
        self.changes += 1
        self.puts(key, lots)

    cdef inline bint puts(self, int64_t key, int64_t lots) noexcept:
        """Set or delete a level; return whether that may be more than another size."""
        if lots and self.resizes(key, lots):
            return False
        self.place(key, lots)
        return True

    cdef inline bint resizes(self, int64_t key, int64_t lots) noexcept:
        """Give a level another size unless there is none, or it takes a search; return whether that is done."""
        cdef Py_ssize_t at = self.guess(key)
        if at == self.count or self.keys[at] != key:
            return False
        self.resize(at, lots)
        return True

    cdef inline void resize(self, Py_ssize_t at, int64_t lots) noexcept:
        """Give the level at a place another size."""
        cdef Py_ssize_t rank = self.count - 1 - at
        if rank < self.kept_count and self.lots[at] != lots:
            self.forget_one(rank)
        self.lots[at] = lots

    cdef void place(self, int64_t key, int64_t lots) noexcept:
        """Set or delete any level."""
        cdef Py_ssize_t at = self.find(key)
        cdef Py_ssize_t rank = self.count - at  # from the best outwards, of a level that is put in here
        cdef Py_ssize_t behind = rank * sizeof(int64_t)
        if at < self.count and self.keys[at] == key:
            if lots:
                self.resize(at, lots)
                return
            rank -= 1
            if rank < self.kept_count:
                self.move_kept(rank, False)
            self.count -= 1
            if rank:
                behind -= sizeof(int64_t)
                memmove(self.keys + at, self.keys + at + 1, behind)
                memmove(self.lots + at, self.lots + at + 1, behind)
            else:
                self.best = self.keys[at - 1] if at else NO_KEY
        elif lots:
            if rank < self.kept_count:
                self.move_kept(rank, True)
            if behind:
                memmove(self.keys + at + 1, self.keys + at, behind)
                memmove(self.lots + at + 1, self.lots + at, behind)
            else:
                self.best = key
            self.keys[at] = key
            self.lots[at] = lots
            self.count += 1

    cdef void merge(self, const Batch* batch) noexcept:
        """Set the levels of a batch in their order."""
        cdef Py_ssize_t i
        for i in range(batch.count):
            self.put(batch.ticks[i] * self.sign, batch.lots[i])

    cdef void fill(self, const Batch* batch) noexcept:
        """Replace all levels by those of a batch, without searching where it comes best first."""
        cdef Py_ssize_t i, at = 0
        cdef int64_t last = INT64_MAX, key
        self.empty()
        for i in range(batch.count):
            key = batch.ticks[i] * self.sign
            if key >= last:
                self.merge(batch)
                return
            last = key
            at += batch.lots[i] != 0
        self.count = at
        for i in range(batch.count):
            if batch.lots[i]:
                at -= 1
                self.keys[at] = batch.ticks[i] * self.sign
                self.lots[at] = batch.lots[i]
        if self.count:
            self.best = self.keys[self.count - 1]

    cdef bint meets_odd(self, const Batch* batch) except -1:
        """Return whether a level of the batch is at a tick where levels off the grid are kept."""
        cdef Py_ssize_t i
        if self.odd:
            for i in range(batch.count):
                if batch.ticks[i] in self.odd:
                    return True
        return False

    cdef list top(self, Py_ssize_t n):
        """Return the best levels as tuples of price and size, best first."""
        cdef uint64_t changes = self.changes
        cdef Py_ssize_t i
        cdef PyObject* level
        cdef list levels
        n = min(n, self.count)
        levels = PyList_New(n)
        for i in range(n):
            level = self.kept[i] if i < self.kept_count else NULL
            if level != NULL:
                Py_INCREF(<object>level)
                PyList_SET_ITEM(levels, i, level)
            elif not self.add(levels, i, changes):
                return self.top(n)
        return levels

    cdef bint add(self, list levels, Py_ssize_t i, uint64_t changes) except -1:
        """Make a pair, for a list and for later; return False if these are no more the levels that they were."""
        cdef Py_ssize_t at = self.count - 1 - i
        # Where memory is asked for, garbage may be collected, and what is collected may write into this book.
        if changes != self.changes:
            return False
        level = (self.keys[at] * self.sign, self.lots[at])
        if changes != self.changes:
            return False
        Py_INCREF(level)
        PyList_SET_ITEM(levels, i, <PyObject*>level)
        if i < KEPT:
            self.keep(i, level)
        return True

    cdef inline void keep(self, Py_ssize_t rank, object level) noexcept:
        """Keep a pair; those before it are kept."""
        Py_INCREF(level)
        Py_XDECREF(self.kept[rank])
        self.kept[rank] = <PyObject*>level
        if rank >= self.kept_count:
            self.kept_count = rank + 1

    cdef int64_t depth(self, Py_ssize_t n) noexcept:
        """Return the sum of the best sizes, -1 if it is too large."""
        cdef int64_t total = 0
        cdef Py_ssize_t i
        for i in range(self.count - 1, self.count - 1 - min(n, self.count), -1):
            total += self.lots[i]
            if total >= LIMIT:
                return -1
        return total

    cdef inline int show(self, PyObject** price) except -1:
        """Bring the attribute of the best price up to date: numbers are made only where they changed."""
        cdef int64_t key = self.best if self.count else 0
        if key != self.shown_key:
            replace(price, key * self.sign if key else None)
            self.shown_key = key
        return 0

    cdef inline int64_t best_size(self) noexcept:
        return self.lots[self.count - 1] if self.count else 0


cdef inline void replace(PyObject** field, object value) noexcept:
    cdef PyObject* old = field[0]
    Py_INCREF(value)
    field[0] = <PyObject*>value
    Py_XDECREF(old)


cdef inline void renew(PyObject** field, int64_t* number, int64_t value) noexcept:
    """Have a number made when it is asked for."""
    cdef PyObject* old = field[0]
    number[0], field[0] = value, NULL
    Py_XDECREF(old)


cdef inline Py_ssize_t as_count(object n) except -1:
    """Return how many levels are meant; None is all."""
    cdef Py_ssize_t count
    if n is None:
        return PY_SSIZE_T_MAX
    count = n
    if count < 0:
        raise ValueError(f"number of levels must be 0 or more, got {n}")
    return count


cdef inline bint are_counts(int64_t price, int64_t size) noexcept:
    """Return whether a level may be of these: ``0 < price < LIMIT and 0 <= size < LIMIT``."""
    return (<uint64_t>price | <uint64_t>size) < <uint64_t>LIMIT and price != 0


cdef inline bint fits(int64_t price, int64_t size) noexcept:
    """Return whether the product is surely below `LIMIT`; a float errs by much less than the half."""
    return <double>price * <double>size < <double>LIMIT / 2


cdef class NativeCore:
    """The state of a book and all of its reading and writing that keeps to the grid.

    A subclass adds `apply_exactly` and `set_exactly`, which do what the methods without ``exactly`` do,
    for any slice and for levels that meet others off the grid; afterwards they call `show`.
    Its plain attributes are the descriptors in `members`.
    """

    cdef readonly NativeSide bid_side
    cdef readonly NativeSide ask_side
    cdef Grid prices
    cdef Grid sizes
    # Plain objects behind plain descriptors, which CPython's interpreter reads without any call, as it
    # reads slots; what Cython makes of an attribute is a getter, which takes six times as long.
    cdef PyObject* instrument
    cdef PyObject* state
    cdef PyObject* update_id
    cdef PyObject* best_bid
    cdef PyObject* best_ask
    # Those that are another number after nearly every update have getters, which make it when it is asked for.
    cdef PyObject* exchange_ns  # NULL where the number is to be made
    cdef PyObject* recv_ns
    cdef int64_t new_exchange_ns
    cdef int64_t new_recv_ns

    def __cinit__(self):
        self.bid_side = NativeSide(1)
        self.ask_side = NativeSide(-1)
        replace(&self.instrument, None)
        replace(&self.state, BookState.SYNCING)
        replace(&self.update_id, 0)
        replace(&self.exchange_ns, 0)
        replace(&self.recv_ns, 0)
        replace(&self.best_bid, None)
        replace(&self.best_ask, None)

    def __init__(self, instrument):
        self.prices = make_grid(instrument._prices)
        self.sizes = make_grid(instrument._sizes)
        replace(&self.instrument, instrument)

    def __dealloc__(self):
        Py_XDECREF(self.instrument)
        Py_XDECREF(self.state)
        Py_XDECREF(self.update_id)
        Py_XDECREF(self.exchange_ns)
        Py_XDECREF(self.recv_ns)
        Py_XDECREF(self.best_bid)
        Py_XDECREF(self.best_ask)

    cdef inline NativeSide side(self, object side):
        return self.bid_side if side is BUY else self.ask_side

    # -- writing -----------------------------------------------------------------------------------

    cdef int read(self, object bids, object asks) except -1:
        """Read two slices into the batches and make room for them; return whether they are plain."""
        cdef Cursor bid_text, ask_text
        cdef Py_buffer bid_view, ask_view
        cdef bint plain = False
        if borrow(bids, &bid_text, &bid_view):
            # Both are lent before either is read: an exporter in Python might use another book.
            if borrow(asks, &ask_text, &ask_view):
                try:
                    plain = read_slice(bid_text, &self.prices, &self.sizes, &new_bids) and read_slice(
                        ask_text, &self.prices, &self.sizes, &new_asks
                    )
                finally:
                    if ask_view.len >= 0:
                        PyBuffer_Release(&ask_view)
                    if bid_view.len >= 0:
                        PyBuffer_Release(&bid_view)
            elif bid_view.len >= 0:
                PyBuffer_Release(&bid_view)
        if plain:
            self.bid_side.make_room(new_bids.count)
            self.ask_side.make_room(new_asks.count)
        return plain

    def apply_snapshot(self, bids, asks):
        """Replace both sides by the levels of two JSON slices."""
        cdef Batch* new_bids
        cdef Batch* new_asks
        if not self.levels_of(bids, asks, &new_bids, &new_asks):
            self.apply_exactly(True, bids, asks)
            return
        self.bid_side.odd.clear()
        self.ask_side.odd.clear()
        self.bid_side.fill(new_bids)
        self.ask_side.fill(new_asks)
        self.refresh()

    def read_message(self, layout, data):
        """Read a message of a layout, levels and all; None if it is for the codec."""
        cdef Cursor c
        cdef int64_t numbers[NUMBERS]
        cdef ReadLevels bids, asks
        if not PyBytes_CheckExact(data):
            return None
        c.at = <Text>PyBytes_AS_STRING(data)
        c.end = c.at + PyBytes_GET_SIZE(data)
        bids, asks = ReadLevels(), ReadLevels()
        bids.prices = asks.prices = self.prices
        bids.sizes = asks.sizes = self.sizes
        if not compiled(layout).read(&c, self, &bids.batch, &asks.batch, numbers):
            return None
        return DepthMessage(
            first_id=numbers[FIRST_ID],
            last_id=numbers[LAST_ID],
            prev_id=numbers[PREV_ID],
            exchange_ns=numbers[TIME],
            bids=bids,
            asks=asks,
        )

    cdef bint levels_of(self, bids, asks, Batch** to_bids, Batch** to_asks) except -1:
        """Find the levels of two slices and make room for them; return False if they are not plain."""
        if type(bids) is not ReadLevels or type(asks) is not ReadLevels:
            to_bids[0], to_asks[0] = &new_bids, &new_asks
            return self.read(bids, asks)
        to_bids[0], to_asks[0] = self.of(<ReadLevels>bids), self.of(<ReadLevels>asks)
        self.bid_side.make_room(to_bids[0].count)
        self.ask_side.make_room(to_asks[0].count)
        return True

    cdef Batch* of(self, ReadLevels levels) except NULL:
        if not (same_grid(&self.prices, &levels.prices) and same_grid(&self.sizes, &levels.sizes)):
            raise ValueError("the levels were read for a book of another grid")
        return &levels.batch

    def apply_delta(self, bids, asks):
        """Set the levels of two JSON slices."""
        cdef Batch* new_bids
        cdef Batch* new_asks
        if (
            not self.levels_of(bids, asks, &new_bids, &new_asks)
            or self.bid_side.meets_odd(new_bids)
            or self.ask_side.meets_odd(new_asks)
        ):
            self.apply_exactly(False, bids, asks)
            return
        self.bid_side.merge(new_bids)
        self.ask_side.merge(new_asks)
        self.refresh()

    def set_level(self, side, price, size):
        """Set one level."""
        cdef int too_large = 0, too_much = 0
        cdef int64_t ticks = PyLong_AsLongLongAndOverflow(price, &too_large)
        cdef int64_t lots = PyLong_AsLongLongAndOverflow(size, &too_much)
        cdef NativeSide levels = self.side(side)
        if too_large or too_much or not (0 < ticks < LIMIT and 0 <= lots < LIMIT):
            raise GridError(f"{(<object>self.instrument).id}: level {price} x {size} is out of range")
        if levels.odd and ticks in levels.odd:
            self.set_exactly(side, price, size)
            return
        levels.make_room(1)
        levels.put(ticks * levels.sign, lots)
        self.refresh()

    def clear(self):
        """Remove every level."""
        self.bid_side.odd.clear()
        self.ask_side.odd.clear()
        self.bid_side.empty()
        self.ask_side.empty()
        self.refresh()

    cdef inline int refresh(self) except -1:
        self.bid_side.show(&self.best_bid)
        self.ask_side.show(&self.best_ask)
        return 0

    def show(self):
        """Bring the best levels up to date with the sides."""
        self.refresh()

    # -- reading -----------------------------------------------------------------------------------

    @property
    def exchange_ns(self):
        """The exchange's time of the last update."""
        if self.exchange_ns == NULL:
            replace(&self.exchange_ns, self.new_exchange_ns)
        return <object>self.exchange_ns

    @exchange_ns.setter
    def exchange_ns(self, value):
        replace(&self.exchange_ns, value)

    @property
    def recv_ns(self):
        """When the last update was received."""
        if self.recv_ns == NULL:
            replace(&self.recv_ns, self.new_recv_ns)
        return <object>self.recv_ns

    @recv_ns.setter
    def recv_ns(self, value):
        replace(&self.recv_ns, value)

    cdef inline int64_t updated_ns(self) except? -1:
        """Return the exchange's time of the last update."""
        return self.new_exchange_ns if self.exchange_ns == NULL else <object>self.exchange_ns

    @property
    def best_bid_size(self):
        """The size at the highest bid; 0 where there is none."""
        return self.bid_side.best_size()

    @property
    def best_ask_size(self):
        """The size at the lowest ask; 0 where there is none."""
        return self.ask_side.best_size()

    def bids(self, n=None):
        """Return the best bids, highest price first."""
        return self.bid_side.top(as_count(n))

    def asks(self, n=None):
        """Return the best asks, lowest price first."""
        return self.ask_side.top(as_count(n))

    def levels(self, side, n=None):
        """Return the best levels of a side, best first."""
        return self.side(side).top(as_count(n))

    def size_at(self, side, price):
        """Return the size shown at a price."""
        cdef int overflow = 0
        cdef int64_t ticks = PyLong_AsLongLongAndOverflow(price, &overflow)
        if overflow or not 0 < ticks < LIMIT:
            return 0
        return self.side(side).get(ticks, 0)

    @property
    def is_crossed(self):
        """Whether the best bid is not below the best ask."""
        return self.crosses()

    cdef inline bint crosses(self) noexcept:
        # Without variables of the type, which would count references.
        return (
            self.bid_side.count > 0
            and self.ask_side.count > 0
            and self.bid_side.keys[self.bid_side.count - 1] >= -self.ask_side.keys[self.ask_side.count - 1]
        )

    cdef inline bint is_whole(self) noexcept:
        """Return whether there are levels, and none of the one side is through one of the other."""
        return (self.bid_side.count > 0 or self.ask_side.count > 0) and not self.crosses()

    cdef object state_of(self):
        """Return what a book is that is not whole."""
        return BROKEN if self.crosses() else SYNCING

    def depth(self, side, n):
        """Return the total size of the best levels of a side."""
        cdef int64_t total = self.side(side).depth(as_count(n))
        return OrderBook.depth(self, side, n) if total < 0 else total

    def imbalance(self, n=1):
        """Return (bids - asks) / (bids + asks)."""
        cdef int64_t bids = self.bid_side.depth(as_count(n)), asks = self.ask_side.depth(as_count(n))
        if bids < 0 or asks < 0:
            return OrderBook.imbalance(self, n)
        # Divided as Python's integers are: the right digits, also above 2**53.
        return <object>(bids - asks) / <object>(bids + asks) if bids or asks else None

    def weighted_price(self, side, n):
        """Return the size-weighted mean price of the best levels of a side."""
        cdef NativeSide levels = self.side(side)
        cdef Py_ssize_t i, last = levels.count - 1
        cdef int64_t cost = 0, total = levels.depth(as_count(n))
        if total < 0:
            return OrderBook.weighted_price(self, side, n)
        for i in range(last, last - min(as_count(n), levels.count), -1):
            if not fits(levels.keys[i], levels.lots[i] * levels.sign) or cost >= LIMIT:
                return OrderBook.weighted_price(self, side, n)
            cost += levels.keys[i] * levels.lots[i] * levels.sign
        return <object>cost / <object>total if total else None

    def sweep_price(self, side, size):
        """Return the mean price of taking a size from a side."""
        cdef NativeSide levels = self.side(side)
        cdef int overflow = 0
        cdef int64_t left = PyLong_AsLongLongAndOverflow(size, &overflow), cost = 0, taken
        cdef Py_ssize_t i
        if overflow:
            return OrderBook.sweep_price(self, side, size)
        if left <= 0:
            return None
        for i in range(levels.count - 1, -1, -1):
            taken = min(left, levels.lots[i])
            if not fits(levels.keys[i] * levels.sign, taken) or cost >= LIMIT:
                return OrderBook.sweep_price(self, side, size)
            cost += levels.keys[i] * levels.sign * taken
            left -= taken
            if not left:
                return <object>cost / size
        return None


include "_path.pxi"
include "../paper/_orders.pxi"
include "../paper/_clock.pxi"
include "../paper/_fills.pxi"
include "../paper/_loop.pxi"


# -- attributes --------------------------------------------------------------------------------------

cdef PyMemberDef[5] definitions


cdef object define(int i, const char* name, NativeCore example, PyObject** field, int flags):
    definitions[i].name = name
    definitions[i].type = T_OBJECT_EX
    definitions[i].offset = <char*>field - <char*><PyObject*>example
    definitions[i].flags = flags
    return PyDescr_NewMember(<PyTypeObject*>NativeCore, &definitions[i])


def members():
    """Return the descriptors of the plain attributes of `NativeCore`, by name, for its subclass."""
    cdef NativeCore core = NativeCore.__new__(NativeCore)
    return {
        "instrument": define(0, "instrument", core, &core.instrument, READONLY),
        "state": define(1, "state", core, &core.state, 0),
        "update_id": define(2, "update_id", core, &core.update_id, 0),
        "best_bid": define(3, "best_bid", core, &core.best_bid, READONLY),
        "best_ask": define(4, "best_ask", core, &core.best_ask, READONLY),
    }
