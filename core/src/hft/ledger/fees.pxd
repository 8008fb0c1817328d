cimport cython

from libc.stdint cimport int64_t

from hft.ledger.wide cimport Wide
from hft.money cimport to_amount

cdef int64_t _PLACES
cdef int64_t _SPREAD

cdef class Fee(Wide):
    cdef public object value

cdef class Fees:
    cdef list _known

    @cython.locals(mask=int64_t, place=Py_ssize_t, fee=Fee)
    cpdef Fee of(self, object value, int64_t price, int64_t size)
