package iam

import (
	"onsight/internal/iamapi"
	"onsight/internal/store"
)

// boundaryType is what recorded answers have for the type of a boundary. The
// model's enumeration has another word, which has not been seen.
const boundaryType iamapi.PermissionsBoundaryAttachmentType = "Policy"

// boundaryOf shows a permissions boundary.
func boundaryOf(policyARN *string) *iamapi.AttachedPermissionsBoundary {
	if policyARN == nil {
		return nil
	}
	return &iamapi.AttachedPermissionsBoundary{
		PermissionsBoundaryArn:  policyARN,
		PermissionsBoundaryType: new(boundaryType),
	}
}

// mayBound checks that the boundary of something new is a managed policy of
// its account or of AWS.
func mayBound(tx *store.Tx, account string, boundary *string) error {
	if boundary == nil {
		return nil
	}
	if !isPolicyARN(*boundary) {
		return invalidInput("ARN %s is not valid.", *boundary)
	}
	if _, ok := managedByAWS(*boundary); ok {
		return nil
	}
	n, err := store.One[int64](tx, `SELECT COUNT(*) FROM iam_policies WHERE account = $1 AND arn = $2`, account, *boundary)
	if err == nil && n == 0 {
		err = noSuchEntity("Scope ARN: %s does not exist or is not attachable.", *boundary)
	}
	return err
}
