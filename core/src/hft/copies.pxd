# What the function does, where the slots lie: one after the other behind the head of the object, but for weak
# references. Elsewhere than here no slot is ever empty.

cdef extern from *:
    """
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
            if (at != type->tp_weaklistoffset) {
                PyObject *value = *(PyObject **)((char *)source + at);
                Py_XINCREF(value);
                *(PyObject **)((char *)made + at) = value;
            }
        }
        return made;
    }
    """
    object hft_copied(object source)

cpdef inline object copied(object source):
    return hft_copied(source)
