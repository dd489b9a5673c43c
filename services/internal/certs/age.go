package certs

import "time"

// stage is how near the end of a certificate is.
type stage int

const (
	ageFine    stage = iota
	ageEarly         // it is not valid yet
	ageMonth         // at most month is left
	ageWeek          // at most week is left
	ageExpired       // it is over
)

const (
	month = 30 * 24 * time.Hour
	week  = 7 * 24 * time.Hour
)

// stageAt returns how near the end of what is served is.
func (s *Store) stageAt(now time.Time) stage {
	leaf := s.taken.leaf()
	switch left := leaf.NotAfter.Sub(now); {
	case left < 0:
		return ageExpired
	case left <= week:
		return ageWeek
	case left <= month:
		return ageMonth
	case now.Before(leaf.NotBefore):
		return ageEarly
	}
	return ageFine
}

// warn logs that the certificate ends soon, once as each stage begins.
func (s *Store) warn() {
	now := s.now()
	stage := s.stageAt(now)
	if stage == s.warned {
		return
	}
	s.warned = stage
	leaf, log := s.taken.leaf(), &s.options.Logger
	switch stage {
	case ageFine:
	case ageEarly:
		log.Warn().Str("file", s.options.Cert).Time("not_before", leaf.NotBefore).Msg("the certificate is not valid yet; clients refuse it until then")
	case ageMonth, ageWeek:
		log.Warn().Str("file", s.options.Cert).Time("not_after", leaf.NotAfter).
			Int("days_left", int(leaf.NotAfter.Sub(now)/(24*time.Hour))).Msg("the certificate ends soon; renew it")
	case ageExpired:
		log.Error().Str("file", s.options.Cert).Time("not_after", leaf.NotAfter).Msg("the certificate has expired; clients refuse it; renew it")
	}
}
