package wire

import "net/http"

// successStatus holds the HTTP status of success where it is known not to be
// the model's, which gives 200 or nothing for almost all. No client depends on
// more than that it is a 2xx, save those that are named.
//
// "observed" is a status in recorded traffic of the real service or in a
// program that insists on it; "analogy" follows an observed sibling.
var successStatus = map[string]int{
	// Identity and account.
	"RegisterUser":              http.StatusCreated,   // observed: cloud-custodian, moto's clients
	"CreateGroup":               http.StatusCreated,   // observed: cloud-custodian
	"CreateGroupMembership":     http.StatusCreated,   // analogy: CreateGroup
	"CreateRoleMembership":      http.StatusCreated,   // analogy: CreateGroup
	"CreateIAMPolicyAssignment": http.StatusCreated,   // analogy: CreateGroup
	"CreateCustomPermissions":   http.StatusCreated,   // analogy: CreateGroup
	"CreateNamespace":           http.StatusAccepted,  // analogy: what goes on after the answer
	"DeleteAccountSubscription": http.StatusAccepted,  // observed: an account's tear-down in Terraform
	"CreateAccountSubscription": http.StatusOK,        // observed: cid checks for 200
	"TagResource":               http.StatusAccepted,  // observed: cloud-custodian
	"UntagResource":             http.StatusNoContent, // observed: cloud-custodian, with an empty body

	// Assets that are made at once.
	"CreateDataSet":              http.StatusCreated, // observed: qnabot
	"CreateIngestion":            http.StatusCreated, // observed: Airflow
	"CreateFolder":               http.StatusCreated, // analogy: CreateDataSet
	"CreateFolderMembership":     http.StatusCreated, // analogy: CreateDataSet
	"CreateTemplateAlias":        http.StatusCreated, // analogy: CreateDataSet
	"CreateThemeAlias":           http.StatusCreated, // analogy: CreateDataSet
	"CreateRefreshSchedule":      http.StatusCreated, // analogy: CreateDataSet
	"CreateTopic":                http.StatusCreated, // analogy: CreateDataSet
	"CreateTopicRefreshSchedule": http.StatusCreated, // analogy: CreateDataSet
	"CreateAccountCustomization": http.StatusCreated, // analogy: CreateDataSet

	// Assets whose making goes on after the answer.
	"CreateDataSource":    http.StatusAccepted, // observed: qnabot
	"CreateAnalysis":      http.StatusAccepted, // observed: qnabot
	"CreateDashboard":     http.StatusAccepted, // observed: qnabot
	"CreateTemplate":      http.StatusAccepted, // observed: qnabot; a tool insists on 202
	"CreateTheme":         http.StatusAccepted, // analogy: CreateTemplate
	"CreateVPCConnection": http.StatusAccepted, // analogy: CreateDataSource
	"UpdateDataSource":    http.StatusAccepted, // analogy: CreateDataSource
	"UpdateAnalysis":      http.StatusAccepted, // analogy: CreateAnalysis
	"UpdateDashboard":     http.StatusAccepted, // analogy: CreateDashboard
	"UpdateTemplate":      http.StatusAccepted, // analogy: CreateTemplate
	"UpdateTheme":         http.StatusAccepted, // analogy: CreateTheme
	"UpdateVPCConnection": http.StatusAccepted, // analogy: CreateVPCConnection

	"StartAssetBundleExportJob":         http.StatusAccepted, // analogy: work goes on
	"StartAssetBundleImportJob":         http.StatusAccepted, // analogy: work goes on
	"StartDashboardSnapshotJob":         http.StatusAccepted, // analogy: work goes on
	"StartDashboardSnapshotJobSchedule": http.StatusAccepted, // analogy: work goes on
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
