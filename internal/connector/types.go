package connector

import (
	"slices"

	"onsight/internal/qs"
)

// Short names for the table below.
const (
	basic  = qs.ConnectionAuthTypeBasic
	apiKey = qs.ConnectionAuthTypeAPIKey
	none   = qs.ConnectionAuthTypeNone
	iam    = qs.ConnectionAuthTypeIAM
	code   = qs.ConnectionAuthTypeOauth2AuthorizationCode
	client = qs.ConnectionAuthTypeOauth2ClientCredentials
)

// A sort is what connectors of one type have in common.
type sort struct {
	// auth are the ways to authenticate that the service behind it knows.
	auth []qs.ConnectionAuthType
	// email says that an API key counts together with an e-mail address only.
	email bool
}

// sorts are the types of connector that can be made. docs/decisions/connectors.md
// says where the user guide is silent.
var sorts = map[qs.ActionConnectorType]sort{
	qs.ActionConnectorTypeGenericHTTP:                        {auth: []qs.ConnectionAuthType{code, client, apiKey, basic, none}},
	qs.ActionConnectorTypeServicenowNowPlatform:              {auth: []qs.ConnectionAuthType{code, client, basic}},
	qs.ActionConnectorTypeSalesforceCRM:                      {auth: []qs.ConnectionAuthType{code, client}},
	qs.ActionConnectorTypeMicrosoftOutlook:                   {auth: []qs.ConnectionAuthType{code, client}},
	qs.ActionConnectorTypePagerdutyAdvance:                   {auth: []qs.ConnectionAuthType{code, client, apiKey}},
	qs.ActionConnectorTypeJiraCloud:                          {auth: []qs.ConnectionAuthType{code, apiKey}, email: true},
	qs.ActionConnectorTypeAtlassianConfluence:                {auth: []qs.ConnectionAuthType{code, apiKey}, email: true},
	qs.ActionConnectorTypeAmazonS3:                           {auth: []qs.ConnectionAuthType{iam}},
	qs.ActionConnectorTypeAmazonBedrockAgentRuntime:          {auth: []qs.ConnectionAuthType{iam}},
	qs.ActionConnectorTypeAmazonBedrockRuntime:               {auth: []qs.ConnectionAuthType{iam}},
	qs.ActionConnectorTypeAmazonBedrockDataAutomationRuntime: {auth: []qs.ConnectionAuthType{iam}},
	qs.ActionConnectorTypeAmazonTextract:                     {auth: []qs.ConnectionAuthType{iam}},
	qs.ActionConnectorTypeAmazonComprehend:                   {auth: []qs.ConnectionAuthType{iam}},
	qs.ActionConnectorTypeAmazonComprehendMedical:            {auth: []qs.ConnectionAuthType{iam}},
	qs.ActionConnectorTypeMicrosoftOnedrive:                  {auth: []qs.ConnectionAuthType{code, client}},
	qs.ActionConnectorTypeMicrosoftSharepoint:                {auth: []qs.ConnectionAuthType{code, client}},
	qs.ActionConnectorTypeMicrosoftTeams:                     {auth: []qs.ConnectionAuthType{code, client}},
	qs.ActionConnectorTypeSAPBusinesspartner:                 {auth: []qs.ConnectionAuthType{client, basic}},
	qs.ActionConnectorTypeSAPProductmasterdata:               {auth: []qs.ConnectionAuthType{client, basic}},
	qs.ActionConnectorTypeSAPPhysicalinventory:               {auth: []qs.ConnectionAuthType{client, basic}},
	qs.ActionConnectorTypeSAPBillofmaterials:                 {auth: []qs.ConnectionAuthType{client, basic}},
	qs.ActionConnectorTypeSAPMaterialstock:                   {auth: []qs.ConnectionAuthType{client, basic}},
	qs.ActionConnectorTypeZendeskSuite:                       {auth: []qs.ConnectionAuthType{code, apiKey}, email: true},
	qs.ActionConnectorTypeSmartsheet:                         {auth: []qs.ConnectionAuthType{code, apiKey}},
	qs.ActionConnectorTypeSlack:                              {auth: []qs.ConnectionAuthType{code, apiKey}},
	qs.ActionConnectorTypeAsana:                              {auth: []qs.ConnectionAuthType{code, apiKey}},
	qs.ActionConnectorTypeBambooHr:                           {auth: []qs.ConnectionAuthType{code, apiKey}},
}

func (s sort) accepts(a qs.ConnectionAuthType) bool { return slices.Contains(s.auth, a) }
