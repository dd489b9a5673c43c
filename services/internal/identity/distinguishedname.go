package identity

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// attributeNames are the short names of attributes, in capitals, and their object identifiers. The
// first name of an identifier is the canonical one.
var attributeNames = [][2]string{
	{"CN", "2.5.4.3"},
	{"SURNAME", "2.5.4.4"}, {"SN", "2.5.4.4"},
	{"SERIALNUMBER", "2.5.4.5"},
	{"C", "2.5.4.6"},
	{"L", "2.5.4.7"},
	{"ST", "2.5.4.8"}, {"S", "2.5.4.8"},
	{"STREET", "2.5.4.9"},
	{"O", "2.5.4.10"},
	{"OU", "2.5.4.11"},
	{"TITLE", "2.5.4.12"},
	{"POSTALCODE", "2.5.4.17"},
	{"GIVENNAME", "2.5.4.42"}, {"GN", "2.5.4.42"},
	{"UID", "0.9.2342.19200300.100.1.1"},
	{"DC", "0.9.2342.19200300.100.1.25"},
	{"EMAILADDRESS", "1.2.840.113549.1.9.1"}, {"E", "1.2.840.113549.1.9.1"},
}

// attribute is one TYPE=VALUE of a name; the type is a canonical short name, or an identifier.
type attribute struct{ kind, value string }

// String returns the attribute with the escapes of RFC 2253.
func (a attribute) String() string {
	var text strings.Builder
	text.WriteString(a.kind)
	text.WriteByte('=')
	for i, r := range a.value {
		edge := i == 0 && (r == ' ' || r == '#') || i == len(a.value)-1 && r == ' '
		if edge || strings.ContainsRune(`,+"\<>;=`, r) {
			text.WriteByte('\\')
		}
		text.WriteRune(r)
	}
	return text.String()
}

// canonical returns the one way to write a name: the last part first, as RFC 2253 has it.
func canonical(parts [][]attribute) string {
	texts := make([]string, len(parts))
	for i, part := range parts {
		all := make([]string, len(part))
		for k, a := range part {
			all[k] = a.String()
		}
		slices.Sort(all)
		texts[i] = strings.Join(all, "+")
	}
	return strings.Join(texts, ",")
}

// subjectOf returns the subject of a certificate in canonical form. It fails for one that has a value
// which is no text.
func subjectOf(c *x509.Certificate) (string, bool) {
	var sequence pkix.RDNSequence
	if rest, err := asn1.Unmarshal(c.RawSubject, &sequence); err != nil || len(rest) > 0 {
		return "", false
	}
	parts := make([][]attribute, len(sequence))
	for i, set := range sequence {
		part := make([]attribute, len(set))
		for k, a := range set {
			value, ok := a.Value.(string)
			if !ok || !utf8.ValidString(value) {
				return "", false
			}
			part[k] = attribute{kindOf(a.Type.String()), value}
		}
		parts[len(parts)-1-i] = part
	}
	return canonical(parts), true
}

// kindOf returns the canonical short name of an identifier, or itself.
func kindOf(id string) string {
	for _, known := range attributeNames {
		if known[1] == id {
			return known[0]
		}
	}
	return id
}

// parseName reads a distinguished name (RFC 2253, with the spaces that tools add) and returns its
// canonical form.
func parseName(text string) (string, error) {
	if strings.TrimSpace(text) == "" {
		return "", errors.New("expected a name such as CN=ada,O=Example")
	}
	var parts [][]attribute
	joined := false
	for rest, more := text, true; more; {
		var a attribute
		var end byte
		var err error
		if a, end, rest, err = parseAttribute(rest); err != nil {
			return "", fmt.Errorf("part %d: %w; expected a name such as CN=ada,O=Example, as `openssl x509 -noout -subject -nameopt RFC2253` prints it", len(parts)+1, err)
		}
		if joined {
			parts[len(parts)-1] = append(parts[len(parts)-1], a)
		} else {
			parts = append(parts, []attribute{a})
		}
		joined, more = end == '+', end != 0
	}
	return canonical(parts), nil
}

// parseAttribute reads one attribute, and returns what ended it, 0 for the end of the text.
func parseAttribute(text string) (a attribute, end byte, rest string, err error) {
	name, rest, found := strings.Cut(text, "=")
	if !found {
		return a, 0, "", errors.New("there is no =")
	}
	if a.kind, err = parseKind(strings.TrimSpace(name)); err != nil {
		return a, 0, "", err
	}
	a.value, end, rest, err = parseValue(strings.TrimLeft(rest, " "))
	if err == nil && a.value == "" {
		err = errors.New("the value is empty")
	}
	return a, end, rest, err
}

func parseKind(name string) (string, error) {
	upper := strings.ToUpper(name)
	for _, known := range attributeNames {
		if known[0] == upper {
			return kindOf(known[1]), nil
		}
	}
	id := strings.TrimPrefix(upper, "OID.")
	numbers := strings.Split(id, ".")
	for _, number := range numbers {
		if n, err := strconv.ParseUint(number, 10, 31); err != nil || strconv.FormatUint(n, 10) != number {
			return "", fmt.Errorf("%s is no type of attribute, expected one such as CN, or its object identifier", quoted(name))
		}
	}
	if len(numbers) < 2 {
		return "", fmt.Errorf("%s is no object identifier", quoted(name))
	}
	return kindOf(id), nil
}

// parseValue reads a value to its end: a comma, a plus sign, or the end of the text.
func parseValue(text string) (value string, end byte, rest string, err error) {
	if strings.HasPrefix(text, "#") {
		return "", 0, "", errors.New("a value in hexadecimal digits is not read, write it as text")
	}
	var bytes []byte
	kept := 0 // spaces after it are not part of the value
	within := strings.HasPrefix(text, `"`)
	i := 0
	if within {
		i++
	}
	for ; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '\\':
			b, n, err := unescape(text[i+1:])
			if err != nil {
				return "", 0, "", err
			}
			bytes = append(bytes, b)
			kept = len(bytes)
			i += n
		case within && c == '"':
			within = false
			after := strings.TrimLeft(text[i+1:], " ")
			if after != "" && after[0] != ',' && after[0] != '+' {
				return "", 0, "", errors.New("something follows the closing quote")
			}
		case !within && (c == ',' || c == '+'):
			return finish(bytes[:kept], c, text[i+1:])
		case !within && (c == '"' || c == ';' || c == '<' || c == '>'):
			return "", 0, "", fmt.Errorf("%q needs a \\ before it", c)
		default:
			bytes = append(bytes, c)
			if c != ' ' || within {
				kept = len(bytes)
			}
		}
	}
	if within {
		return "", 0, "", errors.New("there is no closing quote")
	}
	return finish(bytes[:kept], 0, "")
}

func finish(value []byte, end byte, rest string) (string, byte, string, error) {
	if !utf8.Valid(value) {
		return "", 0, "", errors.New("the value is not UTF-8")
	}
	return string(value), end, rest, nil
}

// unescape returns the byte that the text after a backslash stands for, and how long that text is.
func unescape(text string) (b byte, length int, err error) {
	if text == "" {
		return 0, 0, errors.New("there is nothing after a \\")
	}
	if strings.ContainsRune(`,+"\<>;=# `, rune(text[0])) {
		return text[0], 1, nil
	}
	if len(text) >= 2 {
		if decoded, err := hex.DecodeString(text[:2]); err == nil {
			return decoded[0], 2, nil
		}
	}
	return 0, 0, errors.New("after a \\ there is neither a special character nor two hexadecimal digits")
}
