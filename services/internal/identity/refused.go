package identity

// Reason is why a caller was not taken for anybody. It is one of [Reasons], so that logs and
// metrics can count by it.
type Reason string

// The reasons.
const (
	// ReasonMissing: there is no credential.
	ReasonMissing Reason = "missing"
	// ReasonMalformed: the credential is not written as one is.
	ReasonMalformed Reason = "malformed"
	// ReasonUnsupported: the token asks for what is not done here, such as another algorithm.
	ReasonUnsupported Reason = "unsupported"
	// ReasonNotAccepted: credentials of this kind are not set up.
	ReasonNotAccepted Reason = "not_accepted"
	// ReasonUnknownToken: no principal has this static token.
	ReasonUnknownToken Reason = "unknown_token"
	// ReasonUnknownCertificate: no principal has this certificate.
	ReasonUnknownCertificate Reason = "unknown_certificate"
	// ReasonUnknownKey: the token is signed by a key that is not among those that count.
	ReasonUnknownKey Reason = "unknown_key"
	// ReasonBadSignature: the signature is not that of the token.
	ReasonBadSignature Reason = "bad_signature"
	// ReasonWrongIssuer: another issuer made the token.
	ReasonWrongIssuer Reason = "wrong_issuer"
	// ReasonWrongAudience: the token is for other servers.
	ReasonWrongAudience Reason = "wrong_audience"
	// ReasonExpired: the credential has ended.
	ReasonExpired Reason = "expired"
	// ReasonNotYetValid: the credential has not begun.
	ReasonNotYetValid Reason = "not_yet_valid"
	// ReasonKeysUnavailable: the keys could not be fetched so far. The caller is not to blame and
	// may try again.
	ReasonKeysUnavailable Reason = "keys_unavailable"
)

// Reasons returns all reasons.
func Reasons() []Reason {
	return []Reason{
		ReasonMissing, ReasonMalformed, ReasonUnsupported, ReasonNotAccepted, ReasonUnknownToken, ReasonUnknownCertificate,
		ReasonUnknownKey, ReasonBadSignature, ReasonWrongIssuer, ReasonWrongAudience, ReasonExpired, ReasonNotYetValid,
		ReasonKeysUnavailable,
	}
}

// Refused is the error of [Authenticator.Authenticate]: the caller is nobody that the server knows.
//
//nolint:errname // A caller is refused: the word says more than one that ends in Error.
type Refused struct {
	// Reason is why, for logs and metrics.
	Reason Reason
	// Public is what the client may read: what to do, and nothing that helps to guess.
	Public string

	err error // what was wrong in detail; never nil, and without a secret
}

// Error returns the reason and what was wrong in detail, for the log. There is no credential in it.
func (r *Refused) Error() string { return string(r.Reason) + ": " + r.err.Error() }

// Unwrap returns what was wrong.
func (r *Refused) Unwrap() error { return r.err }

// Temporary reports whether the same credential may be good a moment later: the server, not the
// caller, lacks something.
func (r *Refused) Temporary() bool { return r.Reason == ReasonKeysUnavailable }

// What clients read. Before a signature is checked all faults of a token are one to them.
const (
	publicToken    = "the token is not valid here; send one that is, as `Authorization: Bearer TOKEN`"
	publicScheme   = "the Authorization header is not understood; send one, as `Authorization: Bearer TOKEN`"
	publicExpired  = "the token has expired; get a new one"
	publicEarly    = "the token is not valid yet; wait, or see whether the clock of its issuer is right"
	publicElse     = "the token is for another server; get one for this"
	publicKeys     = "tokens cannot be checked at the moment; try again in a few seconds"
	publicStranger = "the client certificate belongs to nobody that is known here; ask those who run this server to add it"
	publicEnded    = "the client certificate has expired; connect with a new one"
)

func refuse(reason Reason, public string, err error) *Refused {
	return &Refused{Reason: reason, Public: public, err: err}
}
