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
cdef object SYNCING = BookState.SYNCING
cdef object BROKEN = BookState.BROKEN


def bind_loop(trade, quote, channel):
    """Tell what events are made of."""
    global trade_type, quote_type, channels
    trade_type, quote_type, channels = trade, quote, channel


cdef class LoopCursor:
    """Goes through the events of one feed, on the exchange's side or on ours."""

    cdef int64_t when_ns
    cdef Py_ssize_t rank
    cdef bint is_ours
    cdef bint touched
    cdef bint cleared  # of single orders, which a snapshot is to state anew
    cdef bint unseen  # the attributes of the book are behind its levels
    cdef int64_t latency_ns  # -1: as recorded
    cdef int64_t book_ns  # the exchange's time of the book as it is
    cdef int64_t book_recv_ns
    cdef NativeCore book
    cdef NativeFills model
    cdef NativeOrders orders
    cdef object settle
    cdef object market
    cdef bint wants_books
    cdef bint wants_trades
    cdef bint wants_quotes
    cdef int64_t frames, updates, trades, quotes
    cdef object days
    cdef object day
    cdef Py_ssize_t at
    cdef Py_ssize_t length
    cdef Py_buffer views[COLUMN_COUNT]
    cdef Py_ssize_t view_count
    cdef const int64_t* exchange_ns
    cdef const int64_t* recv_ns
    cdef const unsigned char* kinds
    cdef const signed char* sides
    cdef const int64_t* prices
    cdef const int64_t* sizes
    cdef const unsigned char* flags
    cdef const uint64_t* order_ids  # NULL where no order was recorded by itself
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
        """Find the event to come and its time."""
        cdef int64_t exchange_ns, recv_ns, when_ns
        while self.at == self.length:
            self.give_back()
            self.day = next(self.days, None)
            if self.day is None:
                self.when_ns = NEVER
                return 0
            self.at, self.length = 0, len(self.day)
            self.lend()
        exchange_ns, recv_ns = self.exchange_ns[self.at], self.recv_ns[self.at]
        if self.latency_ns >= 0:
            when_ns = (exchange_ns or recv_ns) + (self.latency_ns if self.is_ours else 0)
        elif self.is_ours or not 0 < exchange_ns < recv_ns:
            when_ns = recv_ns
        else:
            when_ns = exchange_ns
        if when_ns > self.when_ns:
            self.when_ns = when_ns
        return 0

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

    cdef int show(self) except -1:
        """Bring the attributes of the book up to date."""
        self.unseen = False
        self.book.refresh()
        replace(&self.book.exchange_ns, self.book_ns)
        if self.is_ours:
            replace(&self.book.recv_ns, self.book_recv_ns)
        return 0


cdef class NativeLoop:
    """What `Replay` is, for native books and fill models."""

    cdef public bint stopped
    cdef readonly int64_t played
    cdef list cursors
    cdef PyObject** heap  # the cursors, borrowed from the list, the next event first
    cdef Py_ssize_t count
    cdef NativeTime clock

    def __init__(self, NativeTime clock, feeds):
        cdef LoopCursor cursor
        self.clock = clock
        self.cursors = [new_cursor(feed, False) for feed in feeds]
        self.cursors += [new_cursor(feed, True) for feed in feeds]
        self.count = len(self.cursors)
        self.heap = <PyObject**>PyMem_Malloc(max(1, self.count) * sizeof(PyObject*))
        if self.heap == NULL:
            raise MemoryError
        for i, cursor in enumerate(self.cursors):
            cursor.rank = i
            cursor.find()
            self.heap[i] = <PyObject*>cursor
        for i in range(self.count // 2 - 1, -1, -1):
            self.sink(i)

    def __dealloc__(self):
        PyMem_Free(self.heap)

    def step(self, int64_t events, int64_t until_ns=INT64_MAX):
        """Play so many events to us; return False at the end, or once ``until_ns`` is over."""
        cdef int64_t enough = self.played + events, due_ns
        cdef LoopCursor cursor
        try:
            while self.played < enough and not self.stopped:
                cursor = <LoopCursor>self.heap[0]
                if cursor.when_ns == NEVER or cursor.when_ns > until_ns:
                    return False
                due_ns = self.clock.due_ns()
                if due_ns <= cursor.when_ns:
                    self.show()
                    self.clock.move(due_ns)
                    continue
                while not self.play(cursor):
                    pass
                self.sink(0)
            return True
        finally:
            self.show()
            self.count_events()

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

    cdef int show(self) except -1:
        """Bring all that Python may look at up to date."""
        cdef LoopCursor cursor
        for cursor in self.cursors:
            if cursor.unseen:
                cursor.show()
        return 0

    cdef int call(self, LoopCursor cursor, function, argument) except -1:
        """Call Python at the time of an event."""
        self.show()
        self.clock.move(cursor.when_ns)
        function(argument)
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

    cdef bint play(self, LoopCursor cursor) except -1:
        """Handle one event and find the next; return whether it was the last of its message."""
        cdef Py_ssize_t at = cursor.at
        cdef int kind = cursor.kinds[at]
        cdef int64_t price, size
        cdef bint is_last
        if kind == LEVEL_EVENT:
            price, size = cursor.prices[at], cursor.sizes[at]
            if not (0 < price < LIMIT and 0 <= size < LIMIT):
                raise GridError(f"{(<object>cursor.book.instrument).id}: level {price} x {size} is out of range")
            if cursor.sides[at] > 0:
                cursor.book.bid_side.make_room(1)
                cursor.book.bid_side.put(price, size)
            else:
                cursor.book.ask_side.make_room(1)
                cursor.book.ask_side.put(-price, size)
            cursor.touched = cursor.unseen = True
        elif kind == CLEAR_EVENT:
            cursor.orders.clear()
            cursor.cleared = cursor.orders.before is not None
            cursor.touched = cursor.unseen = True
        elif kind == TRADE_EVENT:
            if cursor.is_ours:
                self.see_trade(cursor)
            else:
                matches = cursor.model.take_trade(
                    cursor.sides[at] > 0, cursor.prices[at], cursor.sizes[at], cursor.exchange_ns[at], cursor.book_ns
                )
                if matches is not None:
                    self.call(cursor, cursor.settle, matches)
        elif kind == QUOTE_EVENT:
            if cursor.is_ours:
                side = cursor.sides[at] <= 0
                cursor.quoted = cursor.quote_sides[side] = True
                cursor.quote_prices[side], cursor.quote_sizes[side] = cursor.prices[at], cursor.sizes[at]
        elif ADD_EVENT <= kind <= FILL_EVENT and cursor.order_ids != NULL:
            self.play_order(cursor, kind)
        else:
            raise DataError(f"{(<object>cursor.book.instrument).id}: event {at} is of unknown kind {kind}")
        is_last = cursor.flags[at] & LAST_EVENT
        if is_last:
            if cursor.touched:
                cursor.touched = False
                cursor.unseen = True
                cursor.book_ns, cursor.book_recv_ns = cursor.exchange_ns[at], cursor.when_ns
                if cursor.cleared and cursor.orders.ends_snapshot():
                    cursor.cleared = False
                    if not cursor.is_ours:
                        cursor.model.recount()
                self.end_book(cursor)
            if cursor.is_ours:
                cursor.frames += 1
                if cursor.quoted:
                    self.see_quote(cursor)
        cursor.at += 1
        if not cursor.at & (RELEASE_EVENTS - 1):
            cursor.day.release(cursor.at)
        if cursor.is_ours:
            self.played += 1
        cursor.find()
        return is_last or cursor.when_ns == NEVER

    cdef int play_order(self, LoopCursor cursor, int kind) except -1:
        """Handle an event of a single order."""
        cdef Py_ssize_t at = cursor.at
        cdef uint64_t order_id = cursor.order_ids[at]
        cdef NativeOrder order
        cdef int64_t key, rank, lots
        if kind == FILL_EVENT:
            order = cursor.orders.find(order_id)
            if not cursor.is_ours:
                matches = cursor.model.fill_of(order, cursor.sizes[at])
                if matches is not None:
                    self.call(cursor, cursor.settle, matches)
            return 0
        cursor.touched = cursor.unseen = True
        if kind == ADD_EVENT:
            side = BUY if cursor.sides[at] > 0 else SELL
            cursor.orders.add(order_id, side, cursor.prices[at], cursor.sizes[at])
            return 0
        if kind == CHANGE_EVENT:
            order = cursor.orders.find(order_id)
            key, rank = order.key, order.rank
            lots = cursor.orders.change(order, cursor.prices[at], cursor.sizes[at])
        else:
            order = cursor.orders.remove(order_id)
            key, rank, lots = order.key, order.rank, order.size
        if not cursor.is_ours:
            cursor.model.leave(order.levels, key, rank, lots)
        return 0

    cdef int end_book(self, LoopCursor cursor) except -1:
        """Let a whole update of a book be seen."""
        cdef bint is_live = True
        if not cursor.book.bid_side.count and not cursor.book.ask_side.count:
            is_live, state = False, SYNCING
        elif cursor.book.crosses():
            is_live, state = False, BROKEN
        if cursor.is_ours:
            cursor.updates += 1
            if not is_live:
                self.call(cursor, cursor.market.lose, state)
                return 0
        if not is_live:
            replace(&cursor.book.state, state)
        elif cursor.book.state != <PyObject*>LIVE:
            replace(&cursor.book.state, LIVE)
        if cursor.is_ours:
            if cursor.wants_books:
                self.call(cursor, cursor.market.on_book, cursor.book)
        elif is_live:
            matches = cursor.model.take_book(cursor.book_ns)
            if matches is not None:
                self.call(cursor, cursor.settle, matches)
        return 0

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
    cursor.latency_ns = -1 if feed.latency_ns is None else feed.latency_ns
    cursor.days = feed.days()
    cursor.model, cursor.settle, cursor.market = feed.model, feed.settle, feed.market
    cursor.book = feed.market.book if is_ours else feed.book
    cursor.orders = NativeOrders(cursor.book) if is_ours else cursor.model.orders
    listened = feed.market.channels
    cursor.wants_books = channels.BOOK in listened
    cursor.wants_trades = channels.TRADE in listened
    cursor.wants_quotes = channels.QUOTE in listened
    return cursor
