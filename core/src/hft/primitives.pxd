# The same functions in C. An object's slots lie one after the other behind its head, but for weak references.

from libc.stdint cimport int64_t

cdef extern from *:
    """
    static CYTHON_INLINE int hft_bit_length(int64_t number) {
        #if defined(__GNUC__) || defined(__clang__)
        return number > 0 ? 64 - __builtin_clzll((unsigned long long)number) : 0;
        #else
        int bits = 0;
        for (; number > 0; number >>= 1) bits++;
        return bits;
        #endif
    }

    static CYTHON_INLINE void hft_copy_slots(PyObject *source, PyObject *made, Py_ssize_t at, Py_ssize_t end) {
        for (; at < end; at += (Py_ssize_t)sizeof(PyObject *)) {
            PyObject *value = *(PyObject **)((char *)source + at);
            Py_XINCREF(value);
            *(PyObject **)((char *)made + at) = value;
        }
    }

    static CYTHON_INLINE PyObject *hft_copied(PyObject *source) {
        PyTypeObject *type = Py_TYPE(source);
        Py_ssize_t size = type->tp_basicsize, weak = type->tp_weaklistoffset;
        PyObject *made;
        if (type->tp_dictoffset || type->tp_itemsize) {
            PyErr_Format(PyExc_TypeError, "%.200s keeps more than slots", type->tp_name);
            return NULL;
        }
        made = type->tp_alloc(type, 0);
        if (made == NULL) return NULL;
        if (weak > 0) {
            hft_copy_slots(source, made, (Py_ssize_t)sizeof(PyObject), weak);
            hft_copy_slots(source, made, weak + (Py_ssize_t)sizeof(PyObject *), size);
        } else {
            hft_copy_slots(source, made, (Py_ssize_t)sizeof(PyObject), size);
        }
        return made;
    }

    static CYTHON_INLINE int hft_is_moment(PyObject *number, int64_t *moment) {
        /* Nanoseconds of our time have three digits, which the C API takes its time to read. */
        #if PY_VERSION_HEX < 0x030C0000 && PyLong_SHIFT == 30
        if (PyLong_CheckExact(number) && Py_SIZE(number) == 3) {
            digit *digits = ((PyLongObject *)number)->ob_digit;
            if (digits[2] < 8) {
                *moment = (int64_t)digits[2] << 60 | (int64_t)digits[1] << 30 | digits[0];
                return 1;
            }
        }
        #endif
        return 0;
    }

    static CYTHON_INLINE PyObject *hft_number_of(int64_t moment) {
        #if PY_VERSION_HEX < 0x030C0000 && PyLong_SHIFT == 30
        if (moment >> 60 > 0) {
            PyLongObject *made = _PyLong_New(3);
            if (made == NULL) return NULL;
            made->ob_digit[0] = (digit)(moment & PyLong_MASK);
            made->ob_digit[1] = (digit)(moment >> 30 & PyLong_MASK);
            made->ob_digit[2] = (digit)(moment >> 60);
            return (PyObject *)made;
        }
        #endif
        return PyLong_FromLongLong(moment);
    }

    static CYTHON_INLINE PyObject *hft_joined(PyObject *head, PyObject *tail) {
        if (PyUnicode_CheckExact(head) && PyUnicode_IS_COMPACT_ASCII(head)
            && PyUnicode_CheckExact(tail) && PyUnicode_IS_COMPACT_ASCII(tail)) {
            Py_ssize_t before = PyUnicode_GET_LENGTH(head), after = PyUnicode_GET_LENGTH(tail);
            PyObject *made = PyUnicode_New(before + after, 127);
            if (made == NULL) return NULL;
            memcpy(PyUnicode_DATA(made), PyUnicode_DATA(head), (size_t)before);
            memcpy((char *)PyUnicode_DATA(made) + before, PyUnicode_DATA(tail), (size_t)after);
            return made;
        }
        return PyUnicode_Concat(head, tail);
    }

    static int hft_compare(PyObject *number, int64_t other, int how) {
        PyObject *object = PyLong_FromLongLong(other);
        int found;
        if (object == NULL) return -1;
        found = PyObject_RichCompareBool(number, object, how);
        Py_DECREF(object);
        return found;
    }

    static int hft_lies_within(PyObject *number, int64_t least, int64_t most) {
        int found = hft_compare(number, least, Py_GE);
        return found > 0 ? hft_compare(number, most, Py_LE) : found;
    }

    static CYTHON_INLINE int hft_within(PyObject *number, int64_t least, int64_t most) {
        int64_t value;
        int overflow;
        #if PY_VERSION_HEX < 0x030C0000
        if (PyLong_CheckExact(number) && (Py_SIZE(number) == 1 || Py_SIZE(number) == 2)) {
            digit *digits = ((PyLongObject *)number)->ob_digit;
            value = digits[0];
            if (Py_SIZE(number) == 2) value |= (int64_t)digits[1] << PyLong_SHIFT;
            return least <= value && value <= most;
        }
        #endif
        if (!PyLong_Check(number)) return hft_lies_within(number, least, most);
        value = PyLong_AsLongLongAndOverflow(number, &overflow);
        return !overflow && least <= value && value <= most;
    }

    static CYTHON_INLINE int64_t hft_elapsed(PyObject *later, PyObject *earlier) {
        int64_t to, since;
        if (later == earlier) return 0;
        if (hft_is_moment(later, &to) && hft_is_moment(earlier, &since)) return to > since ? to - since : 0;
        {
            int overflow;
            PyObject *difference = PyNumber_Subtract(later, earlier);
            if (difference == NULL) return -1;
            to = PyLong_AsLongLongAndOverflow(difference, &overflow);
            Py_DECREF(difference);
            if (overflow) return overflow > 0 ? INT64_MAX : 0;
            if (to < 0) return to == -1 && PyErr_Occurred() ? -1 : 0;
            return to;
        }
    }
    """
    int hft_bit_length(int64_t number)
    object hft_copied(object source)
    bint hft_is_moment(object number, int64_t* moment)
    object hft_number_of(int64_t moment)
    object hft_joined(object head, object tail)
    int64_t hft_elapsed(object later, object earlier) except -1
    int hft_within(object number, int64_t least, int64_t most) except -1

cpdef inline int bit_length(int64_t number):
    return hft_bit_length(number)

cpdef inline object copied(object source):
    return hft_copied(source)

cdef inline int64_t moment_of(object number) except? -1:
    """Return what a number is in C, soonest if it is a time of ours."""
    cdef int64_t moment
    if hft_is_moment(number, &moment):
        return moment
    return number

cdef inline object number_of(int64_t moment):
    """Return the int of a time, soonest if it is one of ours."""
    return hft_number_of(moment)

cpdef inline str joined(object head, object tail):
    return hft_joined(head, tail)

cpdef inline int64_t elapsed(object later, object earlier) except -1:
    return hft_elapsed(later, earlier)

cpdef inline bint within(object number, int64_t least, int64_t most) except -1:
    return hft_within(number, least, most)
