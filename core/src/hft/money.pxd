cimport cython

cdef object _ONE
cdef object _AMOUNT_DIGITS
cdef object _WIDE
cdef object _add
cdef object _multiply
cdef object _scale
cdef object _whole

cpdef object to_amount(object value)

cpdef object amount_to_decimal(object amount)

@cython.locals(is_more=bint)
cpdef object divide(object numerator, object denominator)

cpdef object difference(object minuend, object subtrahend)

cpdef object trim(object amount)
