package wire

import "net/http"

// successStatus holds the HTTP status of success where it is known, or taken,
// not to be the model's, which gives 200 or nothing for almost all.
//
// "observed" is a status in recorded traffic of the real service or in a
// program that insists on it, with its source; "guess" follows an observed
// sibling. Clients take any 2xx, save those that are named.
var successStatus = map[string]int{
	// Account and identity.
	"CreateAccountSubscription": http.StatusOK,        // observed: cid-framework checks for 200
	"DeleteAccountSubscription": http.StatusAccepted,  // observed: binbash le-tf-infra-aws, PR 1184
	"CreateNamespace":           http.StatusAccepted,  // guess: the making goes on after the answer
	"DeleteNamespace":           http.StatusAccepted,  // guess: as CreateNamespace
	"RegisterUser":              http.StatusCreated,   // observed: published runs of the AWS CLI
	"CreateGroup":               http.StatusCreated,   // observed; the source was not kept
	"CreateGroupMembership":     http.StatusOK,        // observed; the source was not kept
	"CreateIAMPolicyAssignment": http.StatusCreated,   // guess: as CreateGroup
	"CreateCustomPermissions":   http.StatusCreated,   // guess: as CreateGroup
	"TagResource":               http.StatusAccepted,  // observed: cloud-custodian
	"UntagResource":             http.StatusNoContent, // observed: cloud-custodian, with an empty body

	// Assets that are there at once.
	"CreateDataSet":              http.StatusCreated, // observed: AWS QnABot's stubs
	"CreateIngestion":            http.StatusCreated, // observed: Airflow
	"CreateAccountCustomization": http.StatusCreated, // guess: as CreateDataSet
	"CreateFolder":               http.StatusCreated, // guess: as CreateDataSet
	"CreateRefreshSchedule":      http.StatusCreated, // guess: as CreateDataSet
	"CreateTemplateAlias":        http.StatusCreated, // guess: as CreateDataSet
	"CreateThemeAlias":           http.StatusCreated, // guess: as CreateDataSet
	"CreateTopic":                http.StatusCreated, // guess: as CreateDataSet
	"CreateTopicRefreshSchedule": http.StatusCreated, // guess: as CreateDataSet

	// Assets whose making goes on after the answer.
	"CreateDataSource":                  http.StatusAccepted, // observed: AWS QnABot's stubs
	"CreateAnalysis":                    http.StatusAccepted, // observed: AWS QnABot's stubs
	"CreateDashboard":                   http.StatusAccepted, // observed: AWS QnABot's stubs
	"CreateTemplate":                    http.StatusAccepted, // observed: AWS QnABot's stubs; some tools insist on 202
	"CreateTheme":                       http.StatusAccepted, // guess: as CreateTemplate
	"CreateVPCConnection":               http.StatusAccepted, // guess: as CreateDataSource
	"UpdateDataSource":                  http.StatusAccepted, // guess: as CreateDataSource
	"UpdateAnalysis":                    http.StatusAccepted, // guess: as CreateAnalysis
	"UpdateDashboard":                   http.StatusAccepted, // guess: as CreateDashboard
	"UpdateTemplate":                    http.StatusAccepted, // guess: as CreateTemplate
	"UpdateTheme":                       http.StatusAccepted, // guess: as CreateTheme
	"UpdateVPCConnection":               http.StatusAccepted, // guess: as CreateVPCConnection
	"StartAssetBundleExportJob":         http.StatusAccepted, // guess: the work goes on
	"StartAssetBundleImportJob":         http.StatusAccepted, // guess: the work goes on
	"StartDashboardSnapshotJob":         http.StatusAccepted, // guess: the work goes on
	"StartDashboardSnapshotJobSchedule": http.StatusAccepted, // guess: the work goes on
}

// frontStatus are the statuses of the errors that stand before every
// operation and that the model does not have (common errors of the newer
// services, and Smithy's protocol pages).
var frontStatus = map[string]int{
	"SerializationException":         http.StatusBadRequest,
	"ValidationException":            http.StatusBadRequest,
	"MalformedHttpRequestException":  http.StatusBadRequest,
	"RequestAbortedException":        http.StatusBadRequest,
	"UnknownOperationException":      http.StatusNotFound,
	"NotAcceptableException":         http.StatusNotAcceptable,
	"RequestTimeoutException":        http.StatusRequestTimeout,
	"RequestEntityTooLargeException": http.StatusRequestEntityTooLarge,
	"UnsupportedMediaTypeException":  http.StatusUnsupportedMediaType,
	"NotImplementedException":        http.StatusNotImplemented,
	"ServiceUnavailable":             http.StatusServiceUnavailable,
	"OptInRequired":                  http.StatusForbidden,
}

// Success is the HTTP status of the operation's success: the observed one,
// else the model's, else 200.
func (o *Operation) Success() int {
	if o.service == quickSight() {
		if status := successStatus[o.Name]; status != 0 {
			return status
		}
	}
	if o.code != 0 {
		return o.code
	}
	return http.StatusOK
}
