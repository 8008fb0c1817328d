cpdef object check_whole(object price, object size)
