# The replay in C. Its twin is `hft.paper.replay.Replay`, which says what all of it means.

cdef extern from "Python.h":
    int PyBUF_CONTIG_RO

cdef enum:
    COLUMN_COUNT = 8
    LAST_EVENT = 1
    RELEASE_EVENTS = 1 << 20

cdef enum EventKind:
    LEVEL_EVENT = 1
    TRADE_EVENT = 2
    CLEAR_EVENT = 3
    QUOTE_EVENT = 4
    ADD_EVENT = 5
    CHANGE_EVENT = 6
    REMOVE_EVENT = 7
    FILL_EVENT = 8

cdef object trade_type = None
cdef object quote_type = None
cdef object channels = None


def bind_loop(trade, quote, channel):
    """Tell what events are made of."""
    global trade_type, quote_type, channels
    trade_type, quote_type, channels = trade, quote, channel


cdef enum Timing:
    AS_SEEN = 0
    AS_HAPPENED = 1
    DELAYED = 2


cdef inline int64_t time_of(
    Timing timing, const int64_t* exchange_ns, const int64_t* recv_ns, int64_t delay_ns, Py_ssize_t at
) noexcept:
    if timing == AS_SEEN:
        return recv_ns[at]
    if timing == AS_HAPPENED:
        return exchange_ns[at] if 0 < exchange_ns[at] < recv_ns[at] else recv_ns[at]
    return (exchange_ns[at] or recv_ns[at]) + delay_ns


@cython.final
cdef class LoopCursor:
    """Goes through the events of one feed, on the exchange's side or on ours."""

    cdef int64_t when_ns
    cdef int64_t began_ns  # when the message that is being played came
    cdef Py_ssize_t rank
    cdef bint is_ours
    cdef bint is_quiet  # calls nobody as things are; see `NativeLoop`
    cdef Py_ssize_t losses  # of ours: updates not played yet that the exchange's cursor found to be not whole
    cdef PyObject* twin  # of the exchange's: the cursor of the same feed on our side, which the loop keeps
    cdef bint touched
    cdef bint cleared  # of single orders, which a snapshot is to state anew
    cdef bint unseen  # the attributes of the book are behind its levels
    cdef Py_ssize_t at
    cdef Py_ssize_t pause  # the next place at which there is more to do than to go on
    cdef const int64_t* exchange_ns
    cdef const int64_t* recv_ns
    cdef const unsigned char* kinds
    cdef const signed char* sides
    cdef const int64_t* prices
    cdef const int64_t* sizes
    cdef const unsigned char* flags
    cdef const uint64_t* order_ids  # NULL where no order was recorded by itself
    cdef NativeSide bids
    cdef NativeSide asks
    cdef OwnOrders own_bids  # none of which is on our side
    cdef OwnOrders own_asks
    cdef Timing timing
    cdef int64_t delay_ns
    cdef int64_t book_ns  # the exchange's time of the book as it is
    cdef int64_t book_recv_ns
    cdef NativeCore book
    cdef NativeFills model
    cdef NativeOrders orders
    cdef object settle
    cdef list matches  # of the trade that comes, where it was taken already
    cdef object market
    cdef bint wants_books
    cdef bint wants_trades
    cdef bint wants_quotes
    cdef int64_t frames, updates, trades, quotes
    cdef object days
    cdef object day
    cdef Py_ssize_t length
    cdef Py_buffer views[COLUMN_COUNT]
    cdef Py_ssize_t view_count
    cdef bint quoted
    cdef int64_t quote_prices[2]
    cdef int64_t quote_sizes[2]
    cdef bint quote_sides[2]

    def __dealloc__(self):
        self.give_back()

    cdef void give_back(self) noexcept:
        while self.view_count:
            self.view_count -= 1
            PyBuffer_Release(&self.views[self.view_count])

    cdef int find(self) except -1:
        """Find the first event of the days to come, and its time."""
        while self.at == self.length:
            self.give_back()
            self.day = next(self.days, None)
            if self.day is None:
                self.when_ns = NEVER
                return 0
            self.at, self.length = 0, len(self.day)
            self.lend()
        self.pause = min(self.length, RELEASE_EVENTS)
        self.look_at_time()
        return 0

    cdef inline int go_on(self) except -1:
        """Find the event to come and its time."""
        self.at += 1
        if self.at == self.pause:
            return self.go_past()
        self.look_at_time()
        return 0

    cdef int go_past(self) except -1:
        """Let go of what was played; find the event to come."""
        if not self.at & (RELEASE_EVENTS - 1):
            self.day.release(self.at)
        if self.at == self.length:
            return self.find()
        self.pause = min(self.length, self.at + RELEASE_EVENTS)
        self.look_at_time()
        return 0

    cdef inline void look_at_time(self) noexcept:
        cdef int64_t when_ns = self.time_at(self.at)
        if when_ns > self.when_ns:
            self.when_ns = when_ns

    cdef inline int64_t time_at(self, Py_ssize_t at) noexcept:
        return time_of(self.timing, self.exchange_ns, self.recv_ns, self.delay_ns, at)

    cdef int lend(self) except -1:
        """Have the columns of a day lent."""
        for column in self.day.columns.values():
            if PyObject_GetBuffer(column, &self.views[self.view_count], PyBUF_CONTIG_RO) < 0:
                raise ValueError("a column is not contiguous")
            self.view_count += 1
        self.exchange_ns = <const int64_t*>self.views[0].buf
        self.recv_ns = <const int64_t*>self.views[1].buf
        self.kinds = <const unsigned char*>self.views[2].buf
        self.sides = <const signed char*>self.views[3].buf
        self.prices = <const int64_t*>self.views[4].buf
        self.sizes = <const int64_t*>self.views[5].buf
        self.flags = <const unsigned char*>self.views[6].buf
        self.order_ids = <const uint64_t*>self.views[7].buf if self.view_count > 7 else NULL
        return 0

    cdef inline int set_level(self) except -1:
        """Let a level have another size, and remember it where orders of ours are concerned."""
        cdef int64_t price = self.prices[self.at], size = self.sizes[self.at]
        if not are_counts(price, size):
            raise GridError(f"{(<object>self.book.instrument).id}: level {price} x {size} is out of range")
        if self.sides[self.at] > 0:
            self.own_bids.see(price)
            self.bids.make_room(1)
            self.bids.put(price, size)
        else:
            self.own_asks.see(-price)
            self.asks.make_room(1)
            self.asks.put(-price, size)
        self.touched = self.unseen = True
        return 0

    cdef Py_ssize_t glide(self, int64_t until_ns) except -1:
        """Play levels and trades that nobody is told of, up to a time; return how many events.

        It ends before the first event that may be about more, maybe within its message.
        """
        cdef PyObject* levels[2]
        cdef int64_t watched[2]  # keys from which on a level may be one of those where our orders are
        # As far as C knows, a level that is written might be the cursor: what is read here stays here.
        cdef const int64_t* exchange_ns = self.recv_ns if self.timing == AS_SEEN else self.exchange_ns
        cdef const int64_t* recv_ns = self.recv_ns
        cdef const unsigned char* kinds = self.kinds
        cdef const signed char* sides = self.sides
        cdef const int64_t* prices = self.prices
        cdef const int64_t* sizes = self.sizes
        cdef const unsigned char* flags = self.flags
        cdef bint delayed = self.timing == DELAYED
        cdef Py_ssize_t at = self.at, end = self.pause - 1, began = at, shown = at, stop = -1, place, asks
        cdef int64_t key, size, ns, when_ns = self.when_ns
        cdef uint64_t rank
        if not self.is_calm() or not self.is_apart():
            return 0
        levels[0], levels[1] = <PyObject*>self.bids, <PyObject*>self.asks
        self.watch(watched)
        while at < end:
            ns = exchange_ns[at]
            if delayed:
                ns = self.time_at(at)
            elif not 0 < ns < recv_ns[at]:
                ns = recv_ns[at]
            if ns > until_ns:
                break
            if not flags[at] & LAST_EVENT:
                self.when_ns = max(ns, when_ns)
                stop = self.set_message(at, watched)
                if stop < 0:
                    stop = ~stop
                    break
                at, when_ns, stop = stop, self.when_ns, -1
                if when_ns > until_ns:
                    break
                continue
            if kinds[at] == LEVEL_EVENT:
                asks = sides[at] <= 0
                key, size = prices[at] * (<NativeSide>levels[asks]).sign, sizes[at]
                rank = <uint64_t>(<NativeSide>levels[asks]).best - <uint64_t>key
                place = (<NativeSide>levels[asks]).count - <Py_ssize_t>rank
                # What nearly all of it is: another size of a level that is there, whose price needs no look, nor
                # its place a search, as no tick between it and the best lacks its level.
                if (
                    rank < <uint64_t>(<NativeSide>levels[asks]).count
                    and <uint64_t>(size - 1) < <uint64_t>LIMIT - 1
                    and (<NativeSide>levels[asks]).keys[place - 1] == key
                ):
                    if <Py_ssize_t>rank < (<NativeSide>levels[asks]).kept_count:
                        (<NativeSide>levels[asks]).forget_one(<Py_ssize_t>rank)
                    (<NativeSide>levels[asks]).lots[place - 1] = size
                    if key >= watched[asks]:
                        self.end_level(asks, key, at, watched)
                elif not self.place_level(asks, at, watched):
                    break  # the level is set again with all that follows from it
            elif kinds[at] == TRADE_EVENT:
                if at > shown:
                    self.book_ns, self.book_recv_ns = self.exchange_ns[at - 1], when_ns
                    shown = at
                if not self.pass_trade(at, watched):
                    break
                shown = at + 1
            else:
                break
            if ns > when_ns:
                when_ns = ns
            at += 1
        self.frames += at - began
        self.updates += at - began
        if at > shown:
            self.book_ns, self.book_recv_ns = self.exchange_ns[at - 1], when_ns
        if stop >= 0:
            self.at, self.touched = stop, stop > at
        else:
            self.at, self.when_ns = at, max(self.time_at(at), when_ns)
            self.began_ns = self.when_ns
        self.unseen = True
        self.bids.changes += 1
        self.asks.changes += 1
        return self.at - began

    cdef inline void watch(self, int64_t* watched) noexcept:
        """Find out which levels are not to be passed by; all, if the end of a message is about our orders."""
        if not self.is_ours and self.model.is_pending():
            watched[0] = watched[1] = INT64_MIN
        else:
            watched[0], watched[1] = self.own_bids.lowest, self.own_asks.lowest

    cdef inline bint pass_trade(self, Py_ssize_t at, int64_t* watched) except -1:
        """Take a trade; return False if somebody is to be told."""
        if self.is_ours:
            if self.wants_trades:
                return False
            self.trades += 1
        else:
            self.matches = self.take_trade(at)
            if self.matches is not None:
                return False
            self.watch(watched)
        self.updates -= 1
        return True

    cdef inline list take_trade(self, Py_ssize_t at):
        """Let our orders meet a trade; return the matches, None where there are none."""
        return self.model.take_trade(
            self.sides[at] > 0, self.prices[at], self.sizes[at], self.exchange_ns[at], self.book_ns
        )

    cdef bint place_level(self, Py_ssize_t asks, Py_ssize_t at, int64_t* watched) noexcept:
        """Play a message that is a level, wherever it is; return False if more follows from it."""
        cdef int64_t price = self.prices[at], size = self.sizes[at], key = -price if asks else price
        # Without a variable of the type, which would count references.
        cdef PyObject* levels = <PyObject*>self.asks if asks else <PyObject*>self.bids
        if not are_counts(price, size) or (<NativeSide>levels).is_full():
            return False
        if (<NativeSide>levels).puts(key, size) and not self.is_apart():
            return False
        if key >= watched[asks]:
            self.end_level(asks, key, at, watched)
        return True

    cdef void end_level(self, Py_ssize_t asks, int64_t key, Py_ssize_t at, int64_t* watched) noexcept:
        """Let our orders meet a message that was a level."""
        if asks:
            self.own_asks.see_size(key, self.sizes[at])
        else:
            self.own_bids.see_size(key, self.sizes[at])
        if not self.is_ours:
            self.model.measure_changed(self.exchange_ns[at])
            watched[0], watched[1] = self.own_bids.lowest, self.own_asks.lowest

    cdef Py_ssize_t set_message(self, Py_ssize_t at, int64_t* watched) noexcept:
        """Play a message of many levels; return where it ends, or the complement of where there is more to it."""
        cdef Py_ssize_t began = at, end = self.pause - 1
        cdef int64_t price, size
        cdef bint moved = False
        self.began_ns = self.when_ns
        while at < end and self.kinds[at] == LEVEL_EVENT:
            price, size = self.prices[at], self.sizes[at]
            if not are_counts(price, size):
                break
            if self.sides[at] > 0:
                if self.bids.is_full():
                    break
                self.own_bids.see_size(price, size)
                moved |= self.bids.puts(price, size)
            else:
                if self.asks.is_full():
                    break
                self.own_asks.see_size(-price, size)
                moved |= self.asks.puts(-price, size)
            if self.flags[at] & LAST_EVENT:
                if moved and not self.is_apart():
                    break  # the level is set again with all that follows from it
                if not self.is_ours:
                    self.model.measure_changed(self.exchange_ns[at])
                    watched[0], watched[1] = self.own_bids.lowest, self.own_asks.lowest
                self.frames -= at - began
                self.updates -= at - began
                self.when_ns = max(self.when_ns, self.time_at(at))
                return at + 1
            self.when_ns = max(self.when_ns, self.time_at(at))
            at += 1
        self.when_ns = max(self.when_ns, self.time_at(at))
        return ~at

    cdef inline bint is_calm(self) noexcept:
        """Return whether nobody is told of levels that change as long as the book `is_apart`."""
        return not (
            self.wants_books or self.cleared or self.quoted or self.book.state != <PyObject*>LIVE
        )

    cdef inline bint is_apart(self) noexcept:
        """Return whether the book has two sides, which neither meet each other nor our orders."""
        cdef int64_t bid = self.bids.best, ask = self.asks.best
        return (
            bid != NO_KEY
            and ask != NO_KEY
            and bid + ask < 0
            and self.own_bids.best + ask < 0
            and self.own_asks.best + bid < 0
        )

    cdef int64_t safe_until(self, Py_ssize_t events) noexcept:
        """Return a time until which no more than so many events come, whole messages of this day."""
        cdef Py_ssize_t at = min(self.at + events, self.length - 1)
        if self.when_ns == NEVER:
            return NEVER - 1
        while at > self.at and not self.flags[at - 1] & LAST_EVENT:
            at -= 1
        return self.time_at(at) - 1

    cdef void see(self, NativeSide levels, int64_t key) noexcept:
        """Learn that a level may have another size."""
        if levels is self.bids:
            self.own_bids.see(key)
        else:
            self.own_asks.see(key)
        self.touched = self.unseen = True

    cdef void see_all(self) noexcept:
        """Learn that any level may have another size."""
        self.own_bids.changed = self.own_asks.changed = True
        self.touched = self.unseen = True

    cdef int show(self) except -1:
        """Bring the attributes of the book up to date."""
        self.unseen = False
        self.book.refresh()
        renew(&self.book.exchange_ns, &self.book.new_exchange_ns, self.book_ns)
        if self.is_ours:
            renew(&self.book.recv_ns, &self.book.new_recv_ns, self.book_recv_ns)
        return 0


cdef class NativeLoop:
    """What `Replay` is, for native books and fill models.

    Nobody sees in what order things happen between two calls of Python. So our side of a feed, as long as
    nobody listens to it, is `quiet`: it is left behind, and catches up whenever Python is called. The other
    cursors, which may call Python, are played in the order of time. The one thing that Python is told of
    uninvited is that a book is no longer whole. The exchange's cursor comes to that first, which makes ours
    loud until it got there.
    """

    cdef public bint stopped
    cdef readonly int64_t played
    cdef int64_t enough  # what is to be played in this step
    cdef int64_t safe_ns  # fewer events than that are due until then
    cdef int64_t limit_ns  # until then the first cursor comes before all else; over once Python was called
    cdef bint unsorted  # a cursor is to become loud or quiet
    cdef list cursors
    cdef PyObject** heap  # the cursors, borrowed from the list: the loud ones, the next event first
    cdef Py_ssize_t count
    cdef PyObject** quiet  # and behind them the others
    cdef Py_ssize_t quiet_count
    cdef NativeTime clock

    def __init__(self, NativeTime clock, feeds):
        cdef LoopCursor cursor, twin
        self.clock = clock
        self.cursors = [new_cursor(feed, False) for feed in feeds]
        self.cursors += [new_cursor(feed, True) for feed in feeds]
        self.heap = <PyObject**>PyMem_Malloc(max(1, len(self.cursors)) * sizeof(PyObject*))
        if self.heap == NULL:
            raise MemoryError
        for i, cursor in enumerate(self.cursors):
            cursor.rank = i
            cursor.find()
            if not cursor.is_ours:
                twin = self.cursors[i + len(feeds)]
                cursor.twin = <PyObject*>twin
        self.sort()

    def __dealloc__(self):
        PyMem_Free(self.heap)

    cdef int sort(self) except -1:
        """Divide the cursors into loud and quiet ones."""
        cdef Py_ssize_t i
        cdef LoopCursor cursor
        self.unsorted = False
        self.count = self.quiet_count = 0
        for cursor in self.cursors:
            cursor.is_quiet = cursor.is_ours and not (
                cursor.losses or cursor.wants_books or cursor.wants_trades or cursor.wants_quotes
            )
            if not cursor.is_quiet:
                self.heap[self.count] = <PyObject*>cursor
                self.count += 1
        self.quiet = self.heap + self.count
        for cursor in self.cursors:
            if cursor.is_quiet:
                self.quiet[self.quiet_count] = <PyObject*>cursor
                self.quiet_count += 1
        for i in range(self.count // 2 - 1, -1, -1):
            self.sink(i)
        return 0

    def step(self, int64_t events, int64_t until_ns=INT64_MAX):
        """Play so many events to us; return False at the end, or once ``until_ns`` is over."""
        if not self.cursors:
            raise ValueError("nothing to play")
        self.enough = self.played + events
        self.safe_ns = INT64_MIN
        try:
            return self.play_until(until_ns)
        finally:
            self.show()
            self.count_events()

    @cython.final
    cdef bint play_until(self, int64_t until_ns) except -1:
        cdef PyObject* first
        cdef int64_t due_ns
        while self.played < self.enough and not self.stopped:
            if self.unsorted:
                self.sort()
            due_ns = self.clock.due_ns()
            if self.play_loud(min(until_ns, self.safe_ns, due_ns - 1)):
                continue
            first = self.first()
            if (<LoopCursor>first).when_ns == NEVER or (<LoopCursor>first).when_ns > until_ns:
                return False
            if due_ns <= (<LoopCursor>first).when_ns:
                self.show()
                self.clock.move(due_ns)
            elif not self.become_safe():
                self.play(<LoopCursor>first)
                self.unsorted = True
        return True

    cdef bint become_safe(self) except -1:
        """Find out until when fewer events are due than are to be played; return whether that is in the future."""
        cdef LoopCursor cursor
        cdef Py_ssize_t share = (self.enough - self.played - 1) // (len(self.cursors) // 2)
        cdef int64_t safe_ns = NEVER - 1
        for cursor in self.cursors:
            if cursor.is_ours:
                safe_ns = min(safe_ns, cursor.safe_until(share))
        self.safe_ns = safe_ns
        return safe_ns >= (<LoopCursor>self.first()).when_ns

    @cython.final
    cdef bint play_loud(self, int64_t until_ns) except -1:
        """Play up to a time; return True, maybe before, once Python was called."""
        cdef PyObject* first
        while self.count and (<LoopCursor>self.heap[0]).when_ns <= until_ns:
            first = self.heap[0]
            self.limit_ns = min(until_ns, self.first_until())
            while (<LoopCursor>first).when_ns <= self.limit_ns:
                self.go_on(<LoopCursor>first, self.limit_ns)
            if self.limit_ns == INT64_MIN:
                self.sink(0)
                return True
            self.sink(0)
        self.catch_up(until_ns, PY_SSIZE_T_MAX)
        return False

    cdef inline int go_on(self, LoopCursor cursor, int64_t until_ns) except -1:
        """Play what comes of a cursor up to a time: levels that nobody is told of, and a message."""
        cdef Py_ssize_t events = cursor.glide(until_ns)
        if cursor.is_ours:
            self.played += events
        if cursor.touched or cursor.when_ns <= until_ns:
            self.play(cursor)
        return 0

    @cython.final
    cdef int catch_up(self, int64_t when_ns, Py_ssize_t rank) except -1:
        """Play the quiet cursors up to a time; at that time those that come before a rank."""
        cdef PyObject* cursor
        cdef int64_t until_ns
        cdef Py_ssize_t i
        for i in range(self.quiet_count):
            cursor = self.quiet[i]
            until_ns = when_ns - ((<LoopCursor>cursor).rank >= rank)
            while (<LoopCursor>cursor).when_ns <= until_ns:
                self.go_on(<LoopCursor>cursor, until_ns)
        return 0

    cdef PyObject* first(self) noexcept:
        """Return the cursor whose event comes before those of all others."""
        cdef PyObject* first = self.heap[0]
        cdef Py_ssize_t i
        for i in range(self.quiet_count):
            if is_before(self.quiet[i], first):
                first = self.quiet[i]
        return first

    cdef inline int64_t first_until(self) noexcept:
        """Return until when the first cursor of the heap comes before all others of it."""
        cdef int64_t until_ns = NEVER, other_ns
        cdef Py_ssize_t rank = (<LoopCursor>self.heap[0]).rank, i
        for i in range(1, min(3, self.count)):
            other_ns = (<LoopCursor>self.heap[i]).when_ns - (rank > (<LoopCursor>self.heap[i]).rank)
            if other_ns < until_ns:
                until_ns = other_ns
        return until_ns

    cdef inline void sink(self, Py_ssize_t at) noexcept:
        """Let a cursor of the heap go to where it belongs."""
        cdef Py_ssize_t child
        cdef PyObject* moved = self.heap[at]
        while True:
            child = 2 * at + 1
            if child >= self.count:
                break
            if child + 1 < self.count and is_before(self.heap[child + 1], self.heap[child]):
                child += 1
            if not is_before(self.heap[child], moved):
                break
            self.heap[at] = self.heap[child]
            at = child
        self.heap[at] = moved

    @cython.final
    cdef int show(self) except -1:
        """Bring all that Python may look at up to date."""
        cdef Py_ssize_t i
        for i in range(self.count + self.quiet_count):
            if (<LoopCursor>self.heap[i]).unseen:
                (<LoopCursor>self.heap[i]).show()
        return 0

    @cython.final
    cdef int call(self, LoopCursor cursor, function, argument) except -1:
        """Call Python at the time of an event."""
        self.limit_ns = INT64_MIN
        self.catch_up(cursor.began_ns, cursor.rank)
        self.show()
        self.clock.move(cursor.when_ns)
        function(argument)
        return 0

    cdef int settle(self, LoopCursor cursor, matches) except -1:
        """Hand over what was made trade; whoever takes it looks at no book, nor tells anybody at once."""
        self.limit_ns = INT64_MIN
        if self.clock.due_ns() <= cursor.when_ns:
            # Of an event before in this message; whoever is called may look at all.
            self.catch_up(cursor.began_ns, cursor.rank)
            self.show()
        self.clock.move(cursor.when_ns)
        cursor.settle(matches)
        return 0

    cdef int count_events(self) except -1:
        """Put the counts where the kernel keeps them."""
        cdef LoopCursor cursor
        for cursor in self.cursors:
            if cursor.is_ours:
                counters = cursor.market.counters
                counters.frames, counters.book_updates = cursor.frames, cursor.updates
                counters.trades, counters.quotes = cursor.trades, cursor.quotes
        return 0

    cdef inline int play(self, LoopCursor cursor) except -1:
        """Handle the events of one message and find the next."""
        cdef bint is_last = False
        if not cursor.touched:
            cursor.began_ns = cursor.when_ns
        while not is_last and cursor.when_ns != NEVER:
            if cursor.kinds[cursor.at] == LEVEL_EVENT:
                cursor.set_level()
            else:
                self.play_other(cursor)
            is_last = cursor.flags[cursor.at] & LAST_EVENT
            if is_last:
                self.end_message(cursor)
            self.played += cursor.is_ours
            cursor.go_on()
        return 0

    @cython.final
    cdef int play_other(self, LoopCursor cursor) except -1:
        """Handle an event that is no level."""
        cdef Py_ssize_t at = cursor.at
        cdef int kind = cursor.kinds[at]
        if kind == TRADE_EVENT:
            if cursor.is_ours:
                self.see_trade(cursor)
            else:
                matches, cursor.matches = cursor.matches, None
                if matches is None:
                    matches = cursor.take_trade(at)
                if matches is not None:
                    self.settle(cursor, matches)
        elif kind == CLEAR_EVENT:
            cursor.orders.clear()
            cursor.cleared = cursor.orders.before is not None
            cursor.see_all()
        elif kind == QUOTE_EVENT:
            if cursor.is_ours:
                side = cursor.sides[at] <= 0
                cursor.quoted = cursor.quote_sides[side] = True
                cursor.quote_prices[side], cursor.quote_sizes[side] = cursor.prices[at], cursor.sizes[at]
        elif ADD_EVENT <= kind <= FILL_EVENT and cursor.order_ids != NULL:
            self.play_order(cursor, kind)
        else:
            raise DataError(f"{(<object>cursor.book.instrument).id}: event {at} is of unknown kind {kind}")
        return 0

    cdef inline int end_message(self, LoopCursor cursor) except -1:
        """Let what the message was about be seen."""
        if cursor.touched:
            cursor.touched = False
            cursor.unseen = True
            cursor.book_ns, cursor.book_recv_ns = cursor.exchange_ns[cursor.at], cursor.when_ns
            if cursor.cleared:
                self.end_snapshot(cursor)
            if cursor.is_ours:
                self.see_book(cursor)
            else:
                self.meet_book(cursor)
        if cursor.is_ours:
            cursor.frames += 1
            if cursor.quoted:
                self.see_quote(cursor)
        return 0

    cdef int end_snapshot(self, LoopCursor cursor) except -1:
        if cursor.orders.ends_snapshot():
            cursor.cleared = False
            if not cursor.is_ours:
                cursor.model.recount()
        return 0

    cdef int play_order(self, LoopCursor cursor, int kind) except -1:
        """Handle an event of a single order."""
        cdef Py_ssize_t at = cursor.at
        cdef uint64_t order_id = cursor.order_ids[at]
        cdef NativeOrder order
        cdef NativeSide levels
        cdef int64_t key, rank, lots
        if kind == FILL_EVENT:
            order = cursor.orders.find(order_id)
            if not cursor.is_ours:
                matches = cursor.model.fill_of(order, cursor.sizes[at])
                if matches is not None:
                    self.settle(cursor, matches)
            return 0
        if kind == ADD_EVENT:
            side = BUY if cursor.sides[at] > 0 else SELL
            levels = cursor.book.side(side)
            cursor.see(levels, cursor.prices[at] * levels.sign)
            cursor.orders.add(order_id, side, cursor.prices[at], cursor.sizes[at])
            return 0
        if kind == CHANGE_EVENT:
            order = cursor.orders.find(order_id)
            key, rank = order.key, order.rank
            lots = cursor.orders.change(order, cursor.prices[at], cursor.sizes[at])
            cursor.see(order.levels, order.key)
        else:
            order = cursor.orders.remove(order_id)
            key, rank, lots = order.key, order.rank, order.size
        cursor.see(order.levels, key)
        if not cursor.is_ours:
            cursor.model.leave(order.levels, key, rank, lots)
        return 0

    cdef inline int meet_book(self, LoopCursor cursor) except -1:
        """Let our orders meet a whole update of the exchange's book."""
        if not cursor.book.is_whole():
            replace(&cursor.book.state, cursor.book.state_of())
            self.announce_loss(<LoopCursor>cursor.twin)
            return 0
        if cursor.book.state != <PyObject*>LIVE:
            replace(&cursor.book.state, LIVE)
        if cursor.model.is_concerned():
            matches = cursor.model.take_book(cursor.book_ns)
            if matches is not None:
                self.settle(cursor, matches)
        return 0

    cdef inline int see_book(self, LoopCursor cursor) except -1:
        """Let a whole update of our book be seen."""
        cursor.updates += 1
        if not cursor.book.is_whole():
            self.pass_loss(cursor)
            return self.call(cursor, cursor.market.lose, cursor.book.state_of())
        if cursor.book.state != <PyObject*>LIVE:
            replace(&cursor.book.state, LIVE)
        if cursor.wants_books:
            self.call(cursor, cursor.market.on_book, cursor.book)
        return 0

    cdef void announce_loss(self, LoopCursor twin) noexcept:
        twin.losses += 1
        if twin.is_quiet:
            self.unsorted, self.limit_ns = True, INT64_MIN

    cdef void pass_loss(self, LoopCursor cursor) noexcept:
        cursor.losses -= 1
        if not cursor.losses:
            self.unsorted = True

    cdef int see_trade(self, LoopCursor cursor) except -1:
        cdef Py_ssize_t at = cursor.at
        cursor.trades += 1
        if cursor.wants_trades:
            side = BUY if cursor.sides[at] > 0 else SELL
            trade = trade_type(
                <object>cursor.book.instrument, "", side, cursor.prices[at], cursor.sizes[at],
                cursor.exchange_ns[at], cursor.when_ns,
            )
            self.call(cursor, cursor.market.on_trade, trade)
        return 0

    cdef int see_quote(self, LoopCursor cursor) except -1:
        cdef int i
        cdef list parts = []
        for i in range(2):
            if cursor.quote_sides[i]:
                parts += [cursor.quote_prices[i], cursor.quote_sizes[i]]
            else:
                parts += [None, 0]
            cursor.quote_sides[i] = False
        cursor.quoted = False
        cursor.quotes += 1
        if cursor.wants_quotes:
            quote = quote_type(
                <object>cursor.book.instrument, *parts, 0, cursor.exchange_ns[cursor.at], cursor.when_ns
            )
            self.call(cursor, cursor.market.on_quote, quote)
        return 0


cdef inline bint is_before(PyObject* one, PyObject* other) noexcept:
    # Without variables of the type, which would count references.
    cdef int64_t first_ns = (<LoopCursor>one).when_ns, second_ns = (<LoopCursor>other).when_ns
    return first_ns < second_ns or (
        first_ns == second_ns and (<LoopCursor>one).rank < (<LoopCursor>other).rank
    )


cdef LoopCursor new_cursor(feed, bint is_ours):
    cdef LoopCursor cursor = LoopCursor()
    cursor.is_ours = is_ours
    if feed.latency_ns is not None:
        cursor.timing, cursor.delay_ns = DELAYED, feed.latency_ns if is_ours else 0
    else:
        cursor.timing = AS_SEEN if is_ours else AS_HAPPENED
    cursor.days = feed.days()
    cursor.model, cursor.settle, cursor.market = feed.model, feed.settle, feed.market
    cursor.book = feed.market.book if is_ours else feed.book
    cursor.bids, cursor.asks = cursor.book.bid_side, cursor.book.ask_side
    if is_ours:
        cursor.orders, cursor.own_bids, cursor.own_asks = NativeOrders(cursor.book), OwnOrders(), OwnOrders()
    else:
        cursor.orders = cursor.model.orders
        cursor.own_bids, cursor.own_asks = cursor.model.own_bids, cursor.model.own_asks
    listened = feed.market.channels
    cursor.wants_books = channels.BOOK in listened
    cursor.wants_trades = channels.TRADE in listened
    cursor.wants_quotes = channels.QUOTE in listened
    return cursor
