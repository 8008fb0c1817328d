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

    static CYTHON_INLINE PyObject *hft_copied(PyObject *source) {
        PyTypeObject *type = Py_TYPE(source);
        PyObject *made;
        Py_ssize_t at;
        if (type->tp_dictoffset || type->tp_itemsize) {
            PyErr_Format(PyExc_TypeError, "%.200s keeps more than slots", type->tp_name);
            return NULL;
        }
        made = type->tp_alloc(type, 0);
        if (made == NULL) return NULL;
        for (at = (Py_ssize_t)sizeof(PyObject); at < type->tp_basicsize; at += (Py_ssize_t)sizeof(PyObject *)) {
            PyObject *value = *(PyObject **)((char *)source + at);
            Py_XINCREF(value);
            *(PyObject **)((char *)made + at) = value;
        }
        if (type->tp_weaklistoffset > 0) {
            Py_CLEAR(*(PyObject **)((char *)made + type->tp_weaklistoffset));
        }
        return made;
    }
    """
    int hft_bit_length(int64_t number)
    object hft_copied(object source)

cpdef inline int bit_length(int64_t number):
    return hft_bit_length(number)

cpdef inline object copied(object source):
    return hft_copied(source)
