package iam

// managedByAWS gives the document of a managed policy of AWS.
func managedByAWS(arn string) (document string, ok bool) {
	document, ok = awsManaged[arn]
	return document, ok
}

var awsManaged = map[string]string{
	"arn:aws:iam::aws:policy/AdministratorAccess": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`,
}
