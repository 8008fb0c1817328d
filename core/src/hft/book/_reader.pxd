# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Read the levels of a JSON slice into arrays of ticks and lots, in one pass and without copies.

Only what exchanges send in their daily business is understood; the callers give everything else to
`hft.book.levels`. Less may be understood here than there, but never anything that is refused there, and
never differently.
"""

from cpython.mem cimport PyMem_Realloc
from libc.stdint cimport int64_t, uint64_t
from libc.string cimport memcmp

ctypedef const unsigned char* Text

cdef extern from *:
    """
    #include <stdint.h>
    #include <string.h>

    #if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ && defined(__GNUC__)
    #define HFT_EIGHT_AT_ONCE 1
    #else
    #define HFT_EIGHT_AT_ONCE 0
    #endif

    static const uint64_t HFT_POWERS[20] = {
        1ULL, 10ULL, 100ULL, 1000ULL, 10000ULL, 100000ULL, 1000000ULL, 10000000ULL, 100000000ULL,
        1000000000ULL, 10000000000ULL, 100000000000ULL, 1000000000000ULL, 10000000000000ULL,
        100000000000000ULL, 1000000000000000ULL, 10000000000000000ULL, 100000000000000000ULL,
        1000000000000000000ULL, 10000000000000000000ULL
    };

    /* Eight bytes, the first lowest, in which digits are 0 to 9 and all others more. */
    static inline uint64_t hft_eight(const unsigned char* at) {
        uint64_t bytes;
        memcpy(&bytes, at, 8);
        return bytes ^ 0x3030303030303030ULL;
    }

    /* How many digits stand before the first byte that is none. */
    static inline int hft_digits(uint64_t bytes) {
    #if HFT_EIGHT_AT_ONCE
        uint64_t others = ((bytes + 0x7676767676767676ULL) | bytes) & 0x8080808080808080ULL;
        return others ? __builtin_ctzll(others) >> 3 : 8;
    #else
        return 0;
    #endif
    }

    /* The number that the first digits make; there is one at least. */
    static inline uint64_t hft_number(uint64_t bytes, int digits) {
        const uint64_t mask = 0x000000FF000000FFULL;
        bytes <<= 8 * (8 - digits);
        bytes = bytes * 10 + (bytes >> 8);
        return (((bytes & mask) * 0x000F424000000064ULL)
                + (((bytes >> 16) & mask) * 0x0000271000000001ULL)) >> 32;
    }

    /* Read what nearly all numbers of levels look like: quoted, up to seven digits before the point and one
       to eight behind it. Returns where to read on, or NULL where it is another, which is for the loops. */
    static inline const unsigned char* hft_usual(
        const unsigned char* at, const unsigned char* end, int decimals, uint64_t* value
    ) {
    #if HFT_EIGHT_AT_ONCE
        uint64_t whole, part, rest;
        int digits, places, used;
        if (end - at < 24 || at[0] != '"' || decimals > 8)
            return NULL;
        whole = hft_eight(at + 1);
        digits = hft_digits(whole);
        if (digits == 0 || digits == 8 || at[digits + 1] != '.')
            return NULL;
        at += digits + 2;
        part = hft_eight(at);
        places = hft_digits(part);
        if (places == 0 || at[places] != '"')
            return NULL;
        used = places < decimals ? places : decimals;
        if (places > used) {
            rest = (part >> (8 * used)) << (8 * (8 - places + used));
            if (rest)
                return NULL;
        }
        if (digits + used <= 8)
            *value = hft_number((whole & ((1ULL << (8 * digits)) - 1)) | (part << (8 * digits)), digits + used);
        else
            *value = hft_number(whole, digits) * HFT_POWERS[used] + hft_number(part, used);
        *value *= HFT_POWERS[decimals - used];
        return at + places + 1;
    #else
        return NULL;
    #endif
    }
    """
    const bint EIGHT_AT_ONCE "HFT_EIGHT_AT_ONCE"
    const uint64_t* POWERS "HFT_POWERS"
    uint64_t eight "hft_eight"(Text at) noexcept
    int digits_of "hft_digits"(uint64_t bytes) noexcept
    Text read_usual "hft_usual"(Text at, Text end, int decimals, uint64_t* value) noexcept
    uint64_t number_of "hft_number"(uint64_t bytes, int digits) noexcept


cdef struct Grid:
    int decimals  # of the step
    uint64_t unit  # the step in units of its last decimal; 0 if that is too large for this reader


cdef struct Cursor:
    Text at
    Text end


cdef struct Batch:
    # The levels of one slice, as they stand in it.
    int64_t* ticks
    int64_t* lots
    Py_ssize_t count
    Py_ssize_t room


cdef enum:
    MAX_DIGITS = 36  # less than the grid of an instrument reads, so that nothing is read that it refuses
    SAFE_DIGITS = 19  # so many nines fit in 64 bits
    COUNT_BITS = 62  # the counts of ticks and lots are below MAX_COUNT, 2**62

cdef enum Key:
    PX = 1
    SZ = 2
    PRICE = 4
    SIZE = 8
    OTHER = 16


# The loops below keep the place in a variable of their own: as far as C knows, the bytes that are read
# through a cursor might be the cursor's, and it would be stored after every byte.

cdef inline void skip_space(Cursor* c) noexcept:
    cdef Text at = c.at
    while at < c.end and (at[0] == b" " or at[0] == b"\n" or at[0] == b"\r" or at[0] == b"\t"):
        at += 1
    c.at = at


cdef inline bint take(Cursor* c, unsigned char wanted) noexcept:
    """Go behind a character and the space around it; return False if another stands there."""
    skip_space(c)
    if c.at == c.end or c.at[0] != wanted:
        return False
    c.at += 1
    skip_space(c)
    return True


cdef inline bint is_digit(Text at, Text end) noexcept:
    return at < end and <unsigned char>(at[0] - c"0") <= 9


cdef inline bint in_steps(uint64_t value, const Grid* grid, int64_t* count) noexcept:
    """Count the steps of a number in units of the grid's last decimal."""
    cdef uint64_t steps
    if grid.unit != 1:
        steps = value // grid.unit
        if steps * grid.unit != value:
            return False
        value = steps
    count[0] = <int64_t>value
    return value >> COUNT_BITS == 0


cdef inline bint read_count(Cursor* c, const Grid* grid, int64_t* count) noexcept:
    """Read a plain decimal, quoted or not, as a count of the grid's steps."""
    cdef Text at = c.at, end = c.end, start
    cdef bint quoted = at < end and at[0] == b'"'
    cdef int missing = grid.decimals, found, used
    cdef uint64_t value = 0, bytes
    cdef Py_ssize_t whole, digits

    start = read_usual(at, end, grid.decimals, &value)
    if start != NULL:
        c.at = start
        return in_steps(value, grid, count)

    # Eight digits are read at once where eight bytes are there; the loops read what that leaves over.
    at += quoted
    start = at
    if EIGHT_AT_ONCE and end - at >= 8:
        bytes = eight(at)
        found = digits_of(bytes)
        if found:
            value = number_of(bytes, found)
            at += found
    while is_digit(at, end):
        value = value * 10 + (at[0] - c"0")
        at += 1
    digits = whole = at - start
    if not quoted and (whole == 0 or (whole > 1 and start[0] == b"0")):
        return False
    if at < end and at[0] == b".":
        at += 1
        start = at
        if EIGHT_AT_ONCE and end - at >= 8:
            bytes = eight(at)
            found = digits_of(bytes)
            used = min(found, missing)
            if used:
                value = value * POWERS[used] + number_of(bytes, used)
                missing -= used
                at += used
            if found > used:
                bytes >>= 8 * used
                if found < 8:
                    bytes <<= 8 * (8 - found + used)
                if bytes:
                    return False  # a digit behind the grid's last that is no zero
                at += found - used
        while missing and is_digit(at, end):
            value = value * 10 + (at[0] - c"0")
            missing -= 1
            at += 1
        while at < end and at[0] == b"0":
            at += 1
        digits += at - start
        if not quoted and digits == whole:
            return False
    # The first test says that nothing has overflowed, and that nothing will.
    if whole + grid.decimals > SAFE_DIGITS or digits == 0 or digits > MAX_DIGITS:
        return False
    if quoted:
        if at == end or at[0] != b'"':
            return False
        at += 1
    c.at = at

    return in_steps(value * POWERS[missing], grid, count)


cdef inline bint skip_text(Cursor* c) noexcept:
    """Go behind a string of printable ASCII without escapes; the cursor stands on its first quote."""
    cdef Text at = c.at + 1
    while at < c.end and at[0] != b'"':
        if at[0] < 0x20 or at[0] >= 0x80 or at[0] == b"\\":
            return False
        at += 1
    if at == c.end:
        return False
    c.at = at + 1
    return True


cdef inline bint skip_number(Cursor* c) noexcept:
    """Go behind a number without an exponent."""
    cdef Text at = c.at + (c.at[0] == b"-"), start = at, point
    while is_digit(at, c.end):
        at += 1
    if at == start or (at - start > 1 and start[0] == b"0"):
        return False
    if at < c.end and at[0] == b".":
        point = at
        at += 1
        while is_digit(at, c.end):
            at += 1
        if at == point + 1:
            return False
    c.at = at
    return at - start <= MAX_DIGITS // 2  # not everybody takes a longer one for a number


cdef inline bint skip_word(Cursor* c, const char* word, Py_ssize_t length) noexcept:
    if c.end - c.at < length or memcmp(c.at, word, length):
        return False
    c.at += length
    return True


cdef inline bint skip_value(Cursor* c) noexcept:
    """Go behind a value that does not matter, unless it is a nested one."""
    if c.at == c.end:
        return False
    if c.at[0] == b'"':
        return skip_text(c)
    if c.at[0] == b"n":
        return skip_word(c, "null", 4)
    if c.at[0] == b"t":
        return skip_word(c, "true", 4)
    if c.at[0] == b"f":
        return skip_word(c, "false", 5)
    return skip_number(c)


cdef inline bint read_array(Cursor* c, const Grid* prices, const Grid* sizes, int64_t* ticks, int64_t* lots) noexcept:
    """Read ``["price", "size", ...]`` behind its bracket."""
    skip_space(c)
    if not read_count(c, prices, ticks) or not take(c, b",") or not read_count(c, sizes, lots):
        return False
    while not take(c, b"]"):
        if not take(c, b",") or not skip_value(c):
            return False
    return True


cdef inline Key read_key(Cursor* c) noexcept:
    """Read a key of an object; 0 if that is not what stands here."""
    cdef Text start = c.at + 1
    cdef Py_ssize_t length
    if c.at == c.end or c.at[0] != b'"' or not skip_text(c):
        return <Key>0
    length = c.at - start - 1
    if length == 2 and memcmp(start, "px", 2) == 0:
        return PX
    if length == 2 and memcmp(start, "sz", 2) == 0:
        return SZ
    if length == 5 and memcmp(start, "price", 5) == 0:
        return PRICE
    if length == 4 and memcmp(start, "size", 4) == 0:
        return SIZE
    return OTHER


cdef inline bint read_object(Cursor* c, const Grid* prices, const Grid* sizes, int64_t* ticks, int64_t* lots) noexcept:
    """Read ``{"px": ..., "sz": ...}`` or ``{"price": ..., "size": ...}`` behind its brace."""
    cdef int seen = 0
    cdef Key key
    skip_space(c)
    while True:
        key = read_key(c)
        if not key or seen & key & ~OTHER or not take(c, b":"):
            return False
        seen |= key
        if key & (PX | PRICE):
            if not read_count(c, prices, ticks):
                return False
        elif key & (SZ | SIZE):
            if not read_count(c, sizes, lots):
                return False
        elif not skip_value(c):
            return False
        if take(c, b"}"):
            break
        if not take(c, b","):
            return False
    seen &= ~OTHER
    return seen == PX | SZ or seen == PRICE | SIZE


cdef inline int reserve(int64_t** first, int64_t** second, Py_ssize_t* room, Py_ssize_t wanted) except -1:
    """Make room for that many numbers in both arrays."""
    cdef void* memory
    if wanted > room[0]:
        memory = PyMem_Realloc(first[0], wanted * sizeof(int64_t))
        if memory == NULL:
            raise MemoryError
        first[0] = <int64_t*>memory
        memory = PyMem_Realloc(second[0], wanted * sizeof(int64_t))
        if memory == NULL:
            raise MemoryError
        second[0] = <int64_t*>memory
        room[0] = wanted
    return 0


cdef inline bint read_number(Cursor* c, int64_t* number) noexcept:
    """Read a whole number that is not negative and surely fits."""
    cdef Text at = c.at, end = c.end, start = at
    cdef uint64_t value = 0, bytes
    cdef int found
    if EIGHT_AT_ONCE and end - at >= 8:
        bytes = eight(at)
        found = digits_of(bytes)
        if found:
            value = number_of(bytes, found)
            at += found
    while is_digit(at, end):
        value = value * 10 + (at[0] - c"0")
        at += 1
    if at == start or at - start >= SAFE_DIGITS or (at - start > 1 and start[0] == b"0"):
        return False
    number[0] = <int64_t>value
    c.at = at
    return True


cdef inline int read_levels(Cursor* c, const Grid* prices, const Grid* sizes, Batch* batch) except -1:
    """Read an array of levels; return whether it holds nothing but levels in their usual forms."""
    cdef int64_t ticks = 0, lots = 0
    cdef unsigned char opening
    batch.count = 0
    if not prices.unit or not sizes.unit or not take(c, b"["):
        return False
    if take(c, b"]"):
        return True
    while True:
        if c.at == c.end:
            return False
        opening = c.at[0]
        c.at += 1
        if opening == b"[":
            if not read_array(c, prices, sizes, &ticks, &lots):
                return False
        elif opening != b"{" or not read_object(c, prices, sizes, &ticks, &lots):
            return False
        if not ticks:
            return False
        if batch.count == batch.room:
            reserve(&batch.ticks, &batch.lots, &batch.room, batch.room * 2 + 64)
        batch.ticks[batch.count] = ticks
        batch.lots[batch.count] = lots
        batch.count += 1
        if take(c, b"]"):
            return True
        if not take(c, b","):
            return False


cdef inline int read_slice(Cursor c, const Grid* prices, const Grid* sizes, Batch* batch) except -1:
    """Read all levels of a slice that holds nothing else."""
    return read_levels(&c, prices, sizes, batch) and c.at == c.end
