package identity

import (
	"crypto/sha256"
	"strings"
	"sync"
)

// TokenPrefix is what a static token begins with, and no JWT does.
const TokenPrefix = "sepal_"

// staticLength is the number of characters of a static token: the prefix, and 32 random bytes in
// base64url without padding. Another length is refused: only with so many random bits does a plain
// hash keep a token from being guessed by those who read the file.
const staticLength = len(TokenPrefix) + 43

// hash is the SHA-256 of a token.
type hash = [sha256.Size]byte

// IsStatic reports whether a token is a static one, not a JWT.
func IsStatic(token string) bool { return strings.HasPrefix(token, TokenPrefix) }

// digester hashes tokens. It keeps a buffer for each processor, since a text cannot be hashed without
// a copy, and one for each request would be garbage at once.
type digester struct{ buffers sync.Pool }

func (d *digester) sum(token string) hash {
	buffer, ok := d.buffers.Get().(*[]byte)
	if !ok {
		fresh := make([]byte, 0, maxToken)
		buffer = &fresh
	}
	*buffer = append((*buffer)[:0], token...)
	sum := sha256.Sum256(*buffer)
	d.buffers.Put(buffer)
	return sum
}
