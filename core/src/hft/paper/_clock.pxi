# Simulated time in C. Its twin is `hft.clock.SimulatedClock`, which says what all of it means.

from hft.primitives cimport moment_of, number_of

cdef extern from "Python.h":
    ctypedef struct PyListObject:
        PyObject** ob_item

cdef int64_t NEVER = INT64_MAX


@cython.freelist(256)
cdef class NativeTimer:
    """What `hft.clock.Timer` is."""

    cdef readonly int64_t when_ns
    cdef readonly bint cancelled
    cdef readonly object callback
    cdef int64_t number  # calls due at the same time are made in this order

    def cancel(self):
        """Take the call back."""
        self.cancelled = True

    def fire(self):
        """Make the call unless it was taken back."""
        if not self.cancelled:
            self.callback()


cdef inline NativeTimer new_timer(int64_t when_ns, callback):
    cdef NativeTimer timer = NativeTimer.__new__(NativeTimer)
    timer.when_ns, timer.callback = when_ns, callback
    return timer


cdef inline bint is_sooner(PyObject* one, PyObject* other) noexcept:
    # Without variables of the type, which would count references.
    cdef int64_t first_ns = (<NativeTimer>one).when_ns, second_ns = (<NativeTimer>other).when_ns
    return first_ns < second_ns or (
        first_ns == second_ns and (<NativeTimer>one).number < (<NativeTimer>other).number
    )


cdef class NativeTime:
    """What `SimulatedClock` is."""

    cdef int64_t time_ns
    cdef int64_t count
    cdef int64_t next_ns  # of the first on the heap, taken back or not; `NEVER` when it is empty
    cdef list timers  # a heap, the next call first; behind it stands None, in places that are free
    cdef Py_ssize_t waiting  # so many timers are on the heap
    cdef object number  # the time as it was last told
    cdef int64_t number_ns

    def __init__(self, int64_t start_ns=0):
        self.time_ns = self.number_ns = start_ns
        self.number = start_ns
        self.timers = []
        self.next_ns = NEVER

    def now_ns(self):
        if self.number_ns != self.time_ns:
            self.number = number_of(self.time_ns)
            self.number_ns = self.time_ns
        return self.number

    def call_at(self, when_ns, callback):
        return self.set(moment_of(when_ns), callback)

    def call_later(self, int64_t delay_ns, callback):
        return self.set(self.time_ns + delay_ns, callback)

    def next_timer_ns(self):
        cdef int64_t due_ns = self.due_ns()
        return None if due_ns == NEVER else due_ns

    def advance_to(self, int64_t when_ns):
        self.move(when_ns)

    def advance(self, int64_t delay_ns):
        self.move(self.time_ns + delay_ns)

    @cython.final
    cdef NativeTimer set(self, int64_t when_ns, callback):
        """Have a call made at a time."""
        cdef NativeTimer timer = new_timer(max(when_ns, self.time_ns), callback)
        cdef PyObject** heap
        cdef PyObject* moved = <PyObject*>timer
        cdef Py_ssize_t at = self.waiting, parent
        self.count += 1
        timer.number = self.count
        if at >= len(self.timers):
            at = len(self.timers)  # less where garbage that is collected has lost its timers
            self.timers.append(None)
        heap = self.heap()
        Py_XDECREF(heap[at])  # None
        Py_INCREF(timer)
        self.waiting = at + 1
        while at:
            parent = (at - 1) >> 1
            if not is_sooner(moved, heap[parent]):
                break
            heap[at] = heap[parent]
            at = parent
        heap[at] = moved
        if not at:
            self.next_ns = timer.when_ns
        return timer

    cdef inline PyObject** heap(self) noexcept:
        return (<PyListObject*>self.timers).ob_item

    @cython.final
    cdef NativeTimer take(self):
        """Take the next call off the heap."""
        cdef PyObject** heap = self.heap()
        cdef Py_ssize_t last = self.waiting - 1
        cdef Py_ssize_t at = 0, child
        cdef PyObject* moved = heap[last]
        cdef NativeTimer first = <NativeTimer>heap[0]
        self.waiting = last
        while True:
            child = 2 * at + 1
            if child >= last:
                break
            if child + 1 < last and is_sooner(heap[child + 1], heap[child]):
                child += 1
            if not is_sooner(heap[child], moved):
                break
            heap[at] = heap[child]
            at = child
        heap[at] = moved
        Py_INCREF(None)
        heap[last] = <PyObject*>None
        self.next_ns = (<NativeTimer>heap[0]).when_ns if last else NEVER
        Py_XDECREF(<PyObject*>first)  # which the heap had
        return first

    @cython.final
    cdef int64_t due_ns(self) except? -1:
        """Return when the next call is due, `NEVER` when none is."""
        while self.next_ns != NEVER and self.timers and (<NativeTimer>self.heap()[0]).cancelled:
            self.take()
        return self.next_ns

    @cython.final
    cdef int move(self, int64_t when_ns) except -1:
        """Go on to a time, making the calls that are due."""
        cdef NativeTimer timer
        while self.next_ns <= when_ns and self.waiting and self.timers:
            timer = self.take()
            self.time_ns = max(self.time_ns, timer.when_ns)
            if not timer.cancelled:
                timer.callback()
        self.time_ns = max(self.time_ns, when_ns)
        return 0
