# The orders of others in C. The twin is `hft.paper.market_orders`, which says what all of it means.

cdef class NativeOrder:
    """See `MarketOrder`; the key is that of the `NativeSide` on which it stands."""

    cdef NativeSide levels
    cdef int64_t key
    cdef readonly int64_t size
    cdef readonly int64_t rank

    @property
    def side(self):
        """Whether it buys or sells."""
        return BUY if self.levels.sign > 0 else SELL

    @property
    def price(self):
        """In ticks."""
        return self.key * self.levels.sign

    cdef inline bint keeps_place(self, int64_t key, int64_t size) noexcept:
        return key == self.key and size <= self.size


cdef class NativeOrders:
    """See `MarketOrders`."""

    cdef NativeCore book
    cdef dict orders
    cdef dict before
    cdef readonly int64_t rank

    def __init__(self, NativeCore book):
        self.book, self.orders, self.before, self.rank = book, {}, None, 1

    cpdef NativeOrder find(self, uint64_t order_id):
        """Return an order."""
        order = self.orders.get(order_id)
        if order is None:
            raise DataError(f"{(<object>self.book.instrument).id}: order {order_id} is not in the book{ADVICE}")
        return <NativeOrder>order

    cpdef int add(self, uint64_t order_id, side, int64_t price, int64_t size) except -1:
        """Let an order arrive."""
        cdef NativeOrder order = NativeOrder.__new__(NativeOrder)
        cdef NativeOrder before = None
        if order_id in self.orders:
            raise DataError(
                f"{(<object>self.book.instrument).id}: order {order_id} is in the book already{ADVICE}"
            )
        order.levels = self.book.side(side)
        order.key, order.size = price * order.levels.sign, size
        self.shift(order.levels, order.key, size)
        self.orders[order_id] = order
        if self.before is not None:
            before = self.before.get(order_id)
        if before is not None and before.keeps_place(order.key, size) and before.levels is order.levels:
            order.rank = before.rank
        else:
            order.rank = self.rank
            self.rank += 1
        return 0

    cpdef int64_t change(self, NativeOrder order, int64_t price, int64_t size) except -1:
        """Give an order another price or size; return the lots that are gone from the place that it had."""
        cdef int64_t gone = order.size, key = price * order.levels.sign
        cdef bint keeps = order.keeps_place(key, size)
        self.shift(order.levels, order.key, -order.size)
        self.shift(order.levels, key, size)
        order.key, order.size = key, size
        if keeps:
            return gone - size
        order.rank = self.rank
        self.rank += 1
        return gone

    cpdef NativeOrder remove(self, uint64_t order_id):
        """Take an order out and return it."""
        cdef NativeOrder order = self.find(order_id)
        del self.orders[order_id]
        self.shift(order.levels, order.key, -order.size)
        return order

    cpdef int clear(self) except -1:
        """Empty the book."""
        self.book.bid_side.empty()
        self.book.ask_side.empty()
        if self.orders:
            self.before, self.orders = self.orders, {}
        return 0

    def end_message(self):
        """Learn that a message is whole; return whether it was a snapshot."""
        self.book.refresh()
        return self.ends_snapshot()

    cdef inline bint ends_snapshot(self) except -1:
        # The loop shows a book when somebody looks at it.
        if self.before is None or not self.orders:
            return False
        self.before = None
        return True

    cdef int64_t lots_before(self, NativeSide levels, int64_t key, int64_t rank) except -1:
        """Return the lots of the orders at a price that are before a rank."""
        cdef int64_t lots = 0
        cdef NativeOrder order
        for order in self.orders.values():
            if order.levels is levels and order.key == key and order.rank < rank:
                lots += order.size
        return lots

    cdef int shift(self, NativeSide levels, int64_t key, int64_t lots) except -1:
        """Change what a level shows."""
        cdef int64_t price = key * levels.sign
        cdef Py_ssize_t at = levels.find(key)
        cdef int64_t size = lots
        if at < levels.count and levels.keys[at] == key:
            size += levels.lots[at]
        if not (0 < price < LIMIT and 0 <= size < LIMIT):
            raise GridError(f"{(<object>self.book.instrument).id}: level {price} x {size} is out of range")
        levels.make_room(1)
        levels.put(key, size)
        return 0


cdef str ADVICE = ", which makes the data wrong: see 'hft data check'"
