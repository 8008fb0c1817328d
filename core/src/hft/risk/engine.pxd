cimport cython

from hft.primitives cimport copied
from hft.events cimport Fill
from hft.order cimport Order

cdef class RiskGate:
    cpdef object approve(self, Order order)

    cpdef object approve_amendment(self, Order order, object price, object size)

    cpdef object approve_closing(self, Order order)

    cpdef object on_fill(self, Fill fill)

cdef class RiskEngine(RiskGate):
    cdef public dict refused
    cdef tuple _rules
    cdef list _checks
    cdef list _reviews
    cdef object _view
    cdef object _on_halt
    cdef object _clock
    cdef object _midnight
    cdef bint _halted

    cpdef object approve(self, Order order)

    cpdef object approve_amendment(self, Order order, object price, object size)

    cpdef object approve_closing(self, Order order)

    cdef object _refusal(self, Order order)

    cdef object _refuse(self, str name, object reason, object code)

    cpdef object on_fill(self, Fill fill)

    cpdef object on_mark(self, object instrument)

    cpdef object on_account(self)

    cdef object _review(self)

    cdef object _fail(self, str name, str what)

    cpdef object _begin_day(self)

@cython.locals(changed=Order)
cdef Order _changed(Order order, object price, object size)

cdef Order _approved(Order order)
