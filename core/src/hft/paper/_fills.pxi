# The fill model in C. Its twin is `hft.paper.fill_model.FillModel`, which says what all of it means.

from cpython.tuple cimport PyTuple_SET_ITEM
from libc.math cimport floor, fmax, fmin, log, pow

cdef extern from "Python.h":
    object PyType_GenericAlloc(PyTypeObject* type, Py_ssize_t items)

cdef enum QueueKind:
    RISK_AVERSE = 0
    POWER = 1
    LOG = 2
    L3 = 3

cdef struct Waiting:
    # One of our orders; see `OwnOrder`. ``shown`` is that of its level, the same in all orders of one price.
    int64_t order_id
    int64_t key
    int64_t size
    int64_t filled
    double ahead
    double prior
    int64_t joined_ns
    int64_t measured_ns
    int64_t prior_ns
    int64_t shown
    int64_t rank
    bint post_only

cdef struct Note:
    # What is gone of a level: ``shown`` is its size when we took of it.
    int64_t key
    int64_t shown
    int64_t lots

cdef object match_type = None
cdef object arrival_type = None
cdef object RESTING = None
cdef object FILLED = None
cdef object CANCELED = None
cdef object REJECTED = None
cdef object MAKER = None
cdef object TAKER = None
cdef object GTC = None
cdef object FOK = None


def bind_fills(match, arrival, outcome, liquidity, time_in_force):
    """Tell what answers are made of."""
    global match_type, arrival_type, RESTING, FILLED, CANCELED, REJECTED, MAKER, TAKER, GTC, FOK
    match_type, arrival_type = match, arrival
    RESTING, FILLED, CANCELED, REJECTED = outcome.RESTING, outcome.FILLED, outcome.CANCELED, outcome.REJECTED
    MAKER, TAKER = liquidity.MAKER, liquidity.TAKER
    GTC, FOK = time_in_force.GTC, time_in_force.FOK


# Named tuples as their classes make them, but without the function in Python that every one of those is made by.


cdef inline void put_item(made, Py_ssize_t at, value):
    Py_INCREF(value)
    PyTuple_SET_ITEM(made, at, value)


cdef object new_match(int64_t order_id, int64_t price, int64_t lots, liquidity):
    cdef object match = PyType_GenericAlloc(<PyTypeObject*>match_type, 4)
    put_item(match, 0, order_id)
    put_item(match, 1, price)
    put_item(match, 2, lots)
    put_item(match, 3, liquidity)
    return match


cdef object new_arrival(outcome, matches=(), str reason=""):
    cdef object arrival = PyType_GenericAlloc(<PyTypeObject*>arrival_type, 3)
    put_item(arrival, 0, outcome)
    put_item(arrival, 1, matches)
    put_item(arrival, 2, reason)
    return arrival


cdef object grow(void** memory, Py_ssize_t* room, Py_ssize_t size):
    """Make room for twice as many items of a size."""
    cdef Py_ssize_t wanted = room[0] * 2 + 4
    cdef void* larger = PyMem_Realloc(memory[0], wanted * size)
    if larger == NULL:
        raise MemoryError
    memory[0] = larger
    room[0] = wanted


cdef inline int64_t advance(Waiting* order, int64_t traded, int64_t exchange_ns) noexcept:
    """Take the lots that traded off those ahead; return how many got past to us, to the nearest lot."""
    cdef double met
    if exchange_ns and exchange_ns <= order.prior_ns:
        return 0
    if exchange_ns and exchange_ns <= order.measured_ns:
        met = order.prior
        order.prior = fmax(0.0, met - traded)
        order.ahead = fmin(order.ahead, order.prior)
    else:
        met = order.ahead
        order.ahead = fmax(0.0, met - traded)
        order.prior = fmax(0.0, order.prior - traded)
    return max(<int64_t>0, <int64_t>floor(traded - met + 0.5))


@cython.final
cdef class OwnOrders:
    """Our orders on one side of one instrument, best first and then by arrival; see `OwnSide`.

    Keys are those of the book's `NativeSide`: the best is the highest. ``changed`` is set where anything
    happened that `NativeFills.measure` would find: an order came, or a level that it looks at, which are all
    from ``lowest`` to ``highest``, got another size or was printed.
    """

    cdef bint changed
    cdef int64_t best  # of our orders, `NO_KEY` where there is none
    cdef int64_t lowest
    cdef int64_t highest
    cdef NativeSide levels
    cdef object side
    cdef Waiting* orders
    cdef Py_ssize_t count
    cdef Py_ssize_t room
    cdef Note* taken
    cdef Py_ssize_t taken_count
    cdef Py_ssize_t taken_room
    cdef Note* printed
    cdef Py_ssize_t printed_count
    cdef Py_ssize_t printed_room

    def __cinit__(self):
        self.set_bounds()

    def __dealloc__(self):
        PyMem_Free(self.orders)
        PyMem_Free(self.taken)
        PyMem_Free(self.printed)

    cdef bint has(self, int64_t key) noexcept:
        """Return whether an order waits at a price, or we had of what is shown there."""
        cdef Py_ssize_t i
        for i in range(self.count):
            if self.orders[i].key == key:
                return True
        return self.taken_at(key) > 0

    cdef inline bint see(self, int64_t key) noexcept:
        """Learn that something happened to a level; return whether it matters."""
        if self.lowest <= key <= self.highest and self.has(key):
            self.changed = True
            return True
        return False

    cdef void set_bounds(self) noexcept:
        """Find out between which keys something matters."""
        cdef Py_ssize_t i
        self.best, self.lowest, self.highest = NO_KEY, INT64_MAX, NO_KEY
        if self.count:
            self.best = self.highest = self.orders[0].key
            self.lowest = self.orders[self.count - 1].key
        for i in range(self.taken_count):
            self.cover(self.taken[i].key)

    cdef inline void cover(self, int64_t key) noexcept:
        self.lowest, self.highest = min(self.lowest, key), max(self.highest, key)

    cdef inline int64_t shown_at(self, int64_t key) noexcept:
        cdef Py_ssize_t at = self.levels.find(key)
        return self.levels.lots[at] if at < self.levels.count and self.levels.keys[at] == key else 0

    cdef inline int64_t printed_at(self, int64_t key) noexcept:
        cdef Py_ssize_t i
        for i in range(self.printed_count):
            if self.printed[i].key == key:
                return self.printed[i].lots
        return 0

    cdef inline bint has_print(self, int64_t key) noexcept:
        cdef Py_ssize_t i
        for i in range(self.printed_count):
            if self.printed[i].key == key:
                return True
        return False

    cdef inline int64_t taken_at(self, int64_t key) noexcept:
        cdef Py_ssize_t i
        for i in range(self.taken_count):
            if self.taken[i].key == key:
                return self.taken[i].lots
        return 0

    cdef int put_print(self, int64_t key, int64_t lots) except -1:
        cdef Py_ssize_t i
        self.see(key)
        for i in range(self.printed_count):
            if self.printed[i].key == key:
                self.printed[i].lots += lots
                return 0
        if self.printed_count == self.printed_room:
            grow(<void**>&self.printed, &self.printed_room, sizeof(Note))
        self.printed[self.printed_count] = Note(key, 0, lots)
        self.printed_count += 1
        return 0

    cdef int take(self, int64_t key, int64_t lots) except -1:
        """Remember that we had lots of what is shown at a price."""
        cdef int64_t shown = self.shown_at(key)
        cdef Py_ssize_t i
        for i in range(self.taken_count):
            if self.taken[i].key == key:
                self.taken[i].shown = shown
                self.taken[i].lots += lots
                return 0
        if self.taken_count == self.taken_room:
            grow(<void**>&self.taken, &self.taken_room, sizeof(Note))
        self.taken[self.taken_count] = Note(key, shown, lots)
        self.taken_count += 1
        self.cover(key)
        return 0

    cdef void forget_changed(self) noexcept:
        """Forget what we had of levels that show another size now."""
        cdef Py_ssize_t i, kept = 0
        for i in range(self.taken_count):
            if self.taken[i].shown == self.shown_at(self.taken[i].key):
                self.taken[kept] = self.taken[i]
                kept += 1
        self.taken_count = kept

    cdef int add(self, const Waiting* order) except -1:
        """Put an order behind those at its price."""
        cdef Py_ssize_t at = 0
        if self.count == self.room:
            grow(<void**>&self.orders, &self.room, sizeof(Waiting))
        while at < self.count and self.orders[at].key >= order.key:
            at += 1
        memmove(self.orders + at + 1, self.orders + at, (self.count - at) * sizeof(Waiting))
        self.orders[at] = order[0]
        if at and self.orders[at - 1].key == order.key:
            self.orders[at].shown = self.orders[at - 1].shown
        self.count += 1
        self.changed = True
        self.cover(order.key)
        self.best = self.orders[0].key
        return 0

    cdef void remove(self, Py_ssize_t at) noexcept:
        self.count -= 1
        memmove(self.orders + at, self.orders + at + 1, (self.count - at) * sizeof(Waiting))
        self.best = self.orders[0].key if self.count else NO_KEY

    cdef Py_ssize_t index(self, int64_t order_id) noexcept:
        """Return where an order stands, -1 if it is not here."""
        cdef Py_ssize_t i
        for i in range(self.count):
            if self.orders[i].order_id == order_id:
                return i
        return -1


cdef class NativeFills:
    """What `FillModel` is, for a native book."""

    cdef readonly NativeCore book
    cdef readonly object queue
    cdef readonly NativeOrders orders
    cdef QueueKind kind
    cdef double parameter  # the exponent of POWER, the lot of LOG
    cdef OwnOrders own_bids
    cdef OwnOrders own_asks
    cdef Note* found  # what an order finds: price keys and lots
    cdef Py_ssize_t found_count
    cdef Py_ssize_t found_room

    def __init__(self, NativeCore book, queue, int kind, double parameter):
        self.book, self.queue, self.orders = book, queue, NativeOrders(book)
        self.kind, self.parameter = <QueueKind>kind, parameter
        self.own_bids, self.own_asks = OwnOrders(), OwnOrders()
        self.own_bids.levels, self.own_bids.side = book.bid_side, BUY
        self.own_asks.levels, self.own_asks.side = book.ask_side, SELL

    def __dealloc__(self):
        PyMem_Free(self.found)

    cdef inline OwnOrders own(self, object side):
        return self.own_bids if side is BUY else self.own_asks

    cdef OwnOrders holder(self, int64_t order_id, Py_ssize_t* at):
        """Find an order: return its side and where it stands there, -1 if it is nowhere."""
        at[0] = self.own_bids.index(order_id)
        if at[0] >= 0:
            return self.own_bids
        at[0] = self.own_asks.index(order_id)
        return self.own_asks

    cdef inline OwnOrders other(self, OwnOrders own):
        return self.own_asks if own is self.own_bids else self.own_bids

    cdef inline bint is_live(self) noexcept:
        return self.book.state == <PyObject*>LIVE

    # -- orders ------------------------------------------------------------------------------------

    def place(self, int64_t order_id, side, price, int64_t size, time_in_force=None, bint post_only=False):
        """Let an order arrive."""
        cdef OwnOrders own = self.own(side)
        cdef bint limited = price is not None
        cdef int64_t key = 0, filled
        cdef Waiting order
        if limited:
            key = <int64_t>price * own.levels.sign
        if time_in_force is None:
            time_in_force = GTC
        if not self.is_live():
            return self.not_live()
        if post_only and limited and self.would_cross(own, key):
            return refused("would cross")
        filled = self.reach(own, limited, key, size)
        if time_in_force is FOK and filled < size:
            return new_arrival(CANCELED, (), "cannot be filled at once in full")
        matches = self.take_found(order_id, own)
        if filled == size:
            return new_arrival(FILLED, matches)
        if not limited or time_in_force is not GTC:
            return new_arrival(CANCELED, matches, "no liquidity")
        order.order_id, order.key, order.size, order.filled, order.post_only = order_id, key, size, filled, post_only
        self.rest(own, &order)
        return new_arrival(RESTING, matches)

    def amend(self, int64_t order_id, int64_t price, int64_t size):
        """Change price and total size of a waiting order."""
        cdef Py_ssize_t at
        cdef OwnOrders own = self.holder(order_id, &at)
        cdef int64_t key
        cdef Waiting order
        if at < 0:
            return refused("order is not open")
        order = own.orders[at]
        key = price * own.levels.sign
        if size <= order.filled:
            return refused(f"size {size} is not above the {order.filled} filled")
        if key == order.key and size <= order.size:
            own.orders[at].size = size
            return new_arrival(RESTING)
        if not self.is_live():
            return self.not_live()
        if order.post_only and self.would_cross(own, key):
            return refused("would cross")
        own.remove(at)
        order.key, order.size = key, size
        order.filled += self.reach(own, True, key, size - order.filled)
        matches = self.take_found(order_id, own)
        if order.filled == size:
            return new_arrival(FILLED, matches)
        self.rest(own, &order)
        return new_arrival(RESTING, matches)

    def cancel(self, int64_t order_id):
        """Remove a waiting order; return the lots that it had left."""
        cdef Py_ssize_t at
        cdef OwnOrders own = self.holder(order_id, &at)
        cdef int64_t left = 0
        if at >= 0:
            left = own.orders[at].size - own.orders[at].filled
            own.remove(at)
        return left

    def ahead(self, int64_t order_id):
        """Return the lots ahead of a waiting order."""
        cdef Py_ssize_t at
        cdef OwnOrders own = self.holder(order_id, &at)
        return own.orders[at].ahead if at >= 0 else None

    # -- the market --------------------------------------------------------------------------------

    def on_book(self):
        """Learn that the book was updated."""
        if not self.is_live():
            return ()
        self.own_bids.changed = self.own_asks.changed = True
        return self.take_book(self.book.updated_ns()) or ()

    def on_trade(self, side, int64_t price, int64_t size, int64_t exchange_ns):
        """Learn of a public trade; ``side`` is the aggressor's."""
        return self.take_trade(side is BUY, price, size, exchange_ns, self.book.updated_ns()) or ()

    cdef inline bint is_concerned(self) noexcept:
        """Return whether an update of the book, which is whole, is about our orders; if not it has been taken."""
        if (
            self.own_bids.changed
            or self.own_asks.changed
            or self.own_bids.best + self.book.ask_side.best >= 0
            or self.own_asks.best + self.book.bid_side.best >= 0
        ):
            return True
        self.own_bids.printed_count = self.own_asks.printed_count = 0
        return False

    cdef list take_book(self, int64_t book_ns):
        """Learn that the book, which is LIVE, was updated; return the matches, None where there are none."""
        cdef list matches = None
        self.measure_changed(book_ns)
        if self.would_cross(self.own_bids, self.own_bids.best):
            matches = self.cross(self.own_bids, matches)
        if self.would_cross(self.own_asks, self.own_asks.best):
            matches = self.cross(self.own_asks, matches)
        return matches

    cdef inline bint is_pending(self) noexcept:
        """Return whether `measure_changed` has something to do."""
        return (
            self.own_bids.changed
            or self.own_asks.changed
            or self.own_bids.printed_count != 0
            or self.own_asks.printed_count != 0
        )

    cdef inline void measure_changed(self, int64_t book_ns) noexcept:
        """Move our orders forward where their levels changed; what was printed is in the book now."""
        if self.own_bids.changed:
            self.measure(self.own_bids, book_ns)
        if self.own_asks.changed:
            self.measure(self.own_asks, book_ns)
        self.own_bids.printed_count = self.own_asks.printed_count = 0

    @cython.final
    cdef void measure(self, OwnOrders own, int64_t book_ns) noexcept:
        cdef Waiting* order = own.orders
        cdef Waiting* end = own.orders + own.count
        cdef int64_t key = 0, shown = 0, traded = 0
        cdef double ahead
        cdef bint changed = False
        own.forget_changed()
        own.set_bounds()
        own.changed = False
        while order < end:
            if order == own.orders or order.key != key:
                key = order.key
                shown = own.shown_at(key)
                traded = own.printed_at(key)
                changed = shown != order.shown or own.has_print(key)
            if changed and self.kind == L3:
                order.shown = shown
            elif changed:
                ahead = self.guess(order.ahead, order.shown, shown, traded)
                if ahead < order.ahead:
                    order.prior, order.prior_ns = order.ahead, order.measured_ns
                    order.ahead, order.measured_ns = ahead, book_ns
                order.shown = shown
            order += 1

    cdef inline double guess(self, double ahead, int64_t before, int64_t shown, int64_t traded) noexcept:
        """Ask the queue model; see `hft.paper.queue`."""
        cdef int64_t gone
        cdef double behind, back, both, share, left
        if self.kind == RISK_AVERSE:
            return fmin(ahead, <double>shown)
        gone = before - shown - traded
        if gone <= 0 or ahead == 0.0:
            return fmin(ahead, <double>shown)
        behind = fmax(0.0, before - ahead)
        back = self.weight(behind)
        both = back + self.weight(ahead)
        share = back / both if both != 0.0 else 0.0
        left = ahead - (1.0 - share) * gone + fmin(behind - share * gone, 0.0)
        return fmin(fmax(0.0, left), <double>shown)

    cdef inline double weight(self, double lots) noexcept:
        return pow(lots, self.parameter) if self.kind == POWER else log(1.0 + lots * self.parameter)

    @cython.final
    cdef list take_trade(self, bint buys, int64_t price, int64_t size, int64_t exchange_ns, int64_t book_ns):
        """Learn of a public trade; return the matches, None where there are none."""
        cdef OwnOrders own = self.own_asks if buys else self.own_bids
        cdef int64_t key = price * own.levels.sign, left = size, lots
        cdef Py_ssize_t at = 0
        cdef list matches = None
        if (exchange_ns == 0 or exchange_ns > book_ns) and self.is_live():
            own.put_print(key, size)
        if self.kind == L3:
            return None
        while at < own.count and own.orders[at].key >= key:
            lots = own.orders[at].size - own.orders[at].filled
            if own.orders[at].key == key:
                # What fills this order is not there for those behind it.
                lots = min(advance(own.orders + at, left, exchange_ns), lots)
                left -= lots
            elif exchange_ns and exchange_ns <= own.orders[at].joined_ns:
                # It happened before the order met the book on its arrival.
                lots = 0
            if lots:
                matches = self.fill(own, at, lots, matches)
                if own.orders[at].filled < own.orders[at].size:
                    at += 1
                else:
                    own.remove(at)
            else:
                at += 1
        return matches

    def on_leave(self, side, int64_t price, int64_t rank, int64_t lots):
        """Learn that lots of somebody's order have left the place that it had."""
        cdef NativeSide levels = self.own(side).levels
        self.leave(levels, price * levels.sign, rank, lots)

    def on_fill(self, NativeOrder order, int64_t size):
        """Learn that so much of somebody's waiting order traded."""
        return self.fill_of(order, size) or ()

    def on_snapshot(self):
        """Learn that the orders of others were stated anew."""
        self.recount()

    cdef int leave(self, NativeSide levels, int64_t key, int64_t rank, int64_t lots) except -1:
        """Learn that lots of somebody's order have left the place that it had."""
        cdef OwnOrders own = self.own_bids if levels is self.own_bids.levels else self.own_asks
        cdef Py_ssize_t at
        if self.kind == L3:
            for at in range(own.count):
                if own.orders[at].key == key and rank < own.orders[at].rank:
                    own.orders[at].ahead = fmax(0.0, own.orders[at].ahead - lots)
        return 0

    cdef list fill_of(self, NativeOrder order, int64_t size):
        """Learn that so much of somebody's waiting order traded; return the matches, None where there are none."""
        cdef OwnOrders own = self.own_bids if order.levels is self.own_bids.levels else self.own_asks
        cdef Py_ssize_t at = 0
        cdef int64_t lots, left = size
        cdef list matches = None
        if self.kind != L3:
            return None
        while at < own.count and own.orders[at].key >= order.key:
            lots = own.orders[at].size - own.orders[at].filled
            if own.orders[at].key == order.key:
                lots = min(left, lots) if own.orders[at].rank <= order.rank else 0
                left -= lots
            if lots:
                matches = self.fill(own, at, lots, matches)
            if own.orders[at].filled < own.orders[at].size:
                at += 1
            else:
                own.remove(at)
        return matches

    cdef int recount(self) except -1:
        """Learn that the orders of others were stated anew."""
        cdef OwnOrders own
        cdef Py_ssize_t at
        cdef int64_t ahead
        if self.kind == L3:
            for own in (self.own_bids, self.own_asks):
                for at in range(own.count):
                    ahead = self.orders.lots_before(own.levels, own.orders[at].key, own.orders[at].rank)
                    own.orders[at].ahead = fmin(own.orders[at].ahead, <double>ahead)
        return 0

    cdef list cross(self, OwnOrders own, list matches):
        """Fill what the book has come to."""
        cdef Py_ssize_t at = 0
        cdef int64_t lots
        while at < own.count and self.would_cross(own, own.orders[at].key):
            lots = self.reach(own, True, own.orders[at].key, own.orders[at].size - own.orders[at].filled)
            if not lots:
                break
            self.take_of(own)
            matches = self.fill(own, at, lots, matches)
            if own.orders[at].filled < own.orders[at].size:
                at += 1
            else:
                own.remove(at)
        return matches

    cdef list fill(self, OwnOrders own, Py_ssize_t at, int64_t lots, list matches):
        """Fill an order where it waits; the caller removes it if that was all of it."""
        cdef Waiting* order = own.orders + at
        order.filled += lots
        if matches is None:
            matches = []
        matches.append(new_match(order.order_id, order.key * own.levels.sign, lots, MAKER))
        return matches

    # -- taking and resting ------------------------------------------------------------------------

    cdef inline bint would_cross(self, OwnOrders own, int64_t key) noexcept:
        cdef NativeSide levels = self.own_asks.levels if own is self.own_bids else self.own_bids.levels
        return levels.count > 0 and key + levels.keys[levels.count - 1] >= 0

    cdef int64_t reach(self, OwnOrders own, bint limited, int64_t key, int64_t size) except -1:
        """Find what an order finds at prices that its limit allows, best first; return how many lots."""
        cdef OwnOrders other = self.other(own)
        cdef NativeSide levels = other.levels
        cdef Py_ssize_t i
        cdef int64_t part, left = size
        self.found_count = 0
        for i in range(levels.count - 1, -1, -1):
            if not left or (limited and key + levels.keys[i] < 0):
                break
            part = levels.lots[i] - other.taken_at(levels.keys[i]) - other.printed_at(levels.keys[i])
            part = min(left, part)
            if part > 0:
                if self.found_count == self.found_room:
                    grow(<void**>&self.found, &self.found_room, sizeof(Note))
                self.found[self.found_count] = Note(levels.keys[i], 0, part)
                self.found_count += 1
                left -= part
        return size - left

    cdef int take_of(self, OwnOrders own) except -1:
        """Take what was found."""
        cdef OwnOrders other = self.other(own)
        cdef Py_ssize_t i
        for i in range(self.found_count):
            other.take(self.found[i].key, self.found[i].lots)
        return 0

    cdef object take_found(self, int64_t order_id, OwnOrders own):
        """Take what was found; return the matches of the order that did so."""
        cdef int sign = -own.levels.sign
        cdef Py_ssize_t i
        cdef list matches
        if not self.found_count:
            return ()
        matches = []
        self.take_of(own)
        for i in range(self.found_count):
            matches.append(new_match(order_id, self.found[i].key * sign, self.found[i].lots, TAKER))
        return matches

    cdef int rest(self, OwnOrders own, Waiting* order) except -1:
        """Put an order behind everything that its price shows."""
        order.shown = own.shown_at(order.key)
        order.ahead = order.prior = order.shown
        order.rank = self.orders.rank
        order.joined_ns = order.measured_ns = order.prior_ns = self.book.updated_ns()
        own.add(order)
        return 0

    cdef object not_live(self):
        return refused(f"book is {(<object>self.book.state).value}, not LIVE")


cdef object refused(str reason):
    return new_arrival(REJECTED, (), reason)
