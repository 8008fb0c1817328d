# The same in C, where compiled modules assign to the slots of such an object: each has to hold something already.

from cpython.object cimport PyObject, PyTypeObject
from cpython.ref cimport Py_INCREF

cdef extern from "Python.h":
    object PyType_GenericAlloc(PyTypeObject* kind, Py_ssize_t items)
    Py_ssize_t Py_SIZE(PyTypeObject* kind)

cdef inline object new(kind):
    cdef object made = PyType_GenericAlloc(<PyTypeObject*>kind, 0)
    # Slots lie behind the head of the object; their number is the size of their class.
    cdef PyObject** slots = <PyObject**>(<char*><PyObject*>made + sizeof(PyObject))
    cdef Py_ssize_t at
    for at in range(Py_SIZE(<PyTypeObject*>kind)):
        Py_INCREF(None)
        slots[at] = <PyObject*>None
    return made
