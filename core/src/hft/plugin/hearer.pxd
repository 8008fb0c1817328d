from hft.events cimport Fill, OrderReport

cdef class Hearer:
    cpdef object on_report(self, OrderReport report)

    cpdef object on_fill(self, Fill fill)

    cpdef object on_funding(self, object funding)

cdef class _Passing(Hearer):
    cdef object _events
