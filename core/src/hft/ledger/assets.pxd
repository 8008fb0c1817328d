cdef class AssetFigures:
    cdef public object profit
    cdef public object gross
    cdef public object open_value
    cdef public object opening
    cdef public object peak
