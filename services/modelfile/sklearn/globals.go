package sklearn

import (
	"fmt"
	"slices"
	"strings"
)

// global is the name of a class or function that a pickle refers to. It stays a name.
type global struct{ module, name string }

func (g global) String() string { return g.module + "." + g.name }

// role is what a name of the allow-list stands for.
type role uint8

const (
	// roleEstimator is a class of scikit-learn that is understood.
	roleEstimator role = iota + 1
	// roleWrapper is what joblib puts in the place of an array.
	roleWrapper
	// roleIgnored is what estimators carry and predictions do not need: it is kept unread.
	roleIgnored
	// roleObject and roleArray are the classes object and numpy.ndarray, which are arguments only.
	roleObject
	roleArray
	// The rest are functions, see calls.
	roleReconstructor
	roleEncode
	roleOrderedDict
	roleDtype
	roleEmptyArray
	roleBuffer
	roleScalar
)

// allowed are the only names that a pickle may use.
var allowed = map[global]role{
	{"sklearn.linear_model._logistic", "LogisticRegression"}: roleEstimator,
	{"sklearn.linear_model.logistic", "LogisticRegression"}:  roleEstimator, // to 0.21
	{"sklearn.pipeline", "Pipeline"}:                         roleEstimator,
	{"sklearn.preprocessing._data", "StandardScaler"}:        roleEstimator,
	{"sklearn.preprocessing._data", "MinMaxScaler"}:          roleEstimator,
	{"sklearn.preprocessing.data", "StandardScaler"}:         roleEstimator, // to 0.21
	{"sklearn.preprocessing.data", "MinMaxScaler"}:           roleEstimator, // to 0.21
	{"sklearn.impute._base", "SimpleImputer"}:                roleEstimator,
	{"sklearn.impute", "SimpleImputer"}:                      roleEstimator, // 0.20

	{"joblib.numpy_pickle", "NumpyArrayWrapper"}:                   roleWrapper,
	{"sklearn.externals.joblib.numpy_pickle", "NumpyArrayWrapper"}: roleWrapper, // to 0.22

	{"numpy", "ndarray"}:                             roleArray,
	{"numpy", "dtype"}:                               roleDtype,
	{"numpy.core.multiarray", "_reconstruct"}:        roleEmptyArray,
	{"numpy._core.multiarray", "_reconstruct"}:       roleEmptyArray,
	{"numpy.core.multiarray", "scalar"}:              roleScalar,
	{"numpy._core.multiarray", "scalar"}:             roleScalar,
	{"numpy.core.numeric", "_frombuffer"}:            roleBuffer,
	{"numpy._core.numeric", "_frombuffer"}:           roleBuffer,
	{"builtins", "object"}:                           roleObject,
	{"__builtin__", "object"}:                        roleObject,
	{"copyreg", "_reconstructor"}:                    roleReconstructor,
	{"copy_reg", "_reconstructor"}:                   roleReconstructor,
	{"_codecs", "encode"}:                            roleEncode,
	{"collections", "OrderedDict"}:                   roleOrderedDict,
	{"numpy.random._pickle", "__randomstate_ctor"}:   roleIgnored, // random_state
	{"numpy.random", "__RandomState_ctor"}:           roleIgnored, // numpy to 1.16
	{"numpy.random._pickle", "__bit_generator_ctor"}: roleIgnored,
	{"numpy.random._mt19937", "MT19937"}:             roleIgnored,
}

const (
	adviceLogistic = "what is read is a LogisticRegression, alone or in a Pipeline " +
		"after SimpleImputer, StandardScaler or MinMaxScaler"
	adviceHostile = "no model needs it and it may be an attack: do not load the file with Python either, " +
		"and ask where it comes from"
	adviceDump    = "dump the fitted LogisticRegression, or its Pipeline, alone"
	adviceOwnCode = "it is not a part of a scikit-learn model: " + adviceDump
)

// adviceFor tells people who bring one of these classes what to do.
var adviceFor = map[string]string{
	"GridSearchCV":           "dump its best_estimator_ in its place",
	"RandomizedSearchCV":     "dump its best_estimator_ in its place",
	"HalvingGridSearchCV":    "dump its best_estimator_ in its place",
	"HalvingRandomSearchCV":  "dump its best_estimator_ in its place",
	"LogisticRegressionCV":   "fit a LogisticRegression with the C that it found (C_) and dump that",
	"MissingIndicator":       "fit the SimpleImputer once more with add_indicator=False",
	"OneVsRestClassifier":    "fit the LogisticRegression itself, which takes many classes, and dump that",
	"CalibratedClassifierCV": "calibrated probabilities are no softmax: dump the LogisticRegression inside, if its own probabilities will do",
	"csr_matrix":             "call densify() on the LogisticRegression and dump it once more",
	"NDArrayWrapper":         "joblib before 0.10 wrote this: dump the model once more with a newer one",
	"ZNDArrayWrapper":        "joblib before 0.10 wrote this: dump the model once more with a newer one",
	"ColumnTransformer":      "fit the Pipeline on columns that are numbers already, and dump it once more",
}

// runners are modules through which a pickle runs code.
var runners = []string{
	"os", "posix", "nt", "posixpath", "ntpath", "subprocess", "sys", "builtins", "__builtin__", "pty", "socket", "shutil", "runpy",
	"importlib", "code", "codeop", "commands", "pickle", "_pickle", "cPickle", "marshal", "types", "ctypes", "functools", "operator",
	"_operator", "webbrowser", "urllib", "http", "asyncio", "multiprocessing", "threading", "tempfile", "pip", "pdb", "bdb",
	"timeit", "cProfile", "profile", "inspect", "io", "_io", "codecs", "ssl", "requests", "platform", "ast", "site", "venv",
}

// name returns the global of that name, if it may be used.
func name(module, attribute string, at int) (global, error) {
	g := global{module, attribute}
	if _, ok := allowed[g]; ok {
		return g, nil
	}
	top, _, _ := strings.Cut(module, ".")
	what := fmt.Sprintf("%s (byte %d)", g, at)
	if advice, ok := adviceFor[attribute]; ok {
		return global{}, unsupported(advice, "%s", what)
	}
	switch {
	case slices.Contains(runners, top):
		return global{}, unsupported(adviceHostile, "the use of %s", what)
	case top == "sklearn", top == "numpy", top == "scipy", top == "joblib", top == "pandas":
		return global{}, unsupported(adviceLogistic, "%s", what)
	default:
		return global{}, unsupported(adviceOwnCode, "%s", what)
	}
}

// globalByLines reads a name from two lines of the input.
func globalByLines(m *machine) error {
	at := m.src.pos - 1
	module, err := m.src.takeLine()
	if err != nil {
		return err
	}
	attribute, err := m.src.takeLine()
	if err != nil {
		return err
	}
	g, err := name(string(module), string(attribute), at)
	if err != nil {
		return err
	}
	m.push(g)
	return nil
}

// globalByStack takes a name from the stack.
func globalByStack(m *machine) error {
	at := m.src.pos - 1
	attribute, err := m.pop()
	if err != nil {
		return err
	}
	module, err := m.pop()
	if err != nil {
		return err
	}
	moduleName, ok1 := module.(string)
	attributeName, ok2 := attribute.(string)
	if !ok1 || !ok2 {
		return fmt.Errorf("%s and %s, expected the names of a module and of what it holds", kind(module), kind(attribute))
	}
	g, err := name(moduleName, attributeName, at)
	if err != nil {
		return err
	}
	m.push(g)
	return nil
}
