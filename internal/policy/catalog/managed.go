package catalog

import (
	"slices"
	"strings"
	"time"
)

// A Managed is a policy that every account has without making it.
type Managed struct {
	// Name and Path make up the ARN.
	Name, Path string
	// ID is the policy's unique id, the same in every account.
	ID string
	// Description is a sentence on what the policy is for.
	Description string
	// Version is the version of the document, such as v1. There is only one.
	Version string
	// Created is when the policy came to be.
	Created time.Time
	// Document is the policy. It allows what the real one allows as far as
	// that concerns the services here; it is worded anew.
	Document string
}

// ARN gives the policy's ARN in a partition.
func (m *Managed) ARN(partition string) string {
	return "arn:" + partition + ":iam::aws:policy" + m.Path + m.Name
}

// ManagedPolicies gives the ready-made policies by name.
func ManagedPolicies() []Managed { return slices.Clone(managed) }

// ManagedPolicy gives the ready-made policy with an ARN, of any partition.
func ManagedPolicy(arn string) (Managed, bool) {
	_, rest, ok := strings.Cut(strings.TrimPrefix(arn, "arn:"), ":")
	if !ok || !strings.HasPrefix(arn, "arn:aws") {
		return Managed{}, false
	}
	for _, m := range managed {
		if rest == "iam::aws:policy"+m.Path+m.Name {
			return m, true
		}
	}
	return Managed{}, false
}

func day(year int, month time.Month, day, hour, minute, second int) time.Time {
	return time.Date(year, month, day, hour, minute, second, 0, time.UTC)
}

// managed are the policies by name. Ids, dates and ARNs are those of the
// cloud; ids of policies whose real one is not known to us are made up.
var managed = []Managed{
	{
		Name: "AWSCloudTrail_ReadOnlyAccess", Path: "/", ID: "ANPAONSIGHTCLOUDTRAIL", Version: "v1", Created: day(2022, time.June, 14, 17, 19, 0),
		Description: "Read access to the record of events.",
		Document: `{
  "Version": "2012-10-17",
  "Statement": [
    {"Sid": "ReadEvents", "Effect": "Allow", "Action": ["cloudtrail:Describe*", "cloudtrail:Get*", "cloudtrail:List*", "cloudtrail:LookupEvents"], "Resource": "*"}
  ]
}`,
	},
	{
		Name: "AWSQuickSightAssetBundleExportPolicy", Path: "/", ID: "ANPAONSIGHTQSEXPORT22", Version: "v1", Created: day(2024, time.March, 27, 21, 31, 0),
		Description: "Describe assets and export them as bundles.",
		Document: `{
  "Version": "2012-10-17",
  "Statement": [
    {"Sid": "Tags", "Effect": "Allow", "Action": "quicksight:ListTagsForResource", "Resource": "arn:aws:quicksight:*:*:*/*"},
    {"Sid": "Dashboards", "Effect": "Allow", "Action": ["quicksight:DescribeDashboard", "quicksight:DescribeDashboardPermissions"], "Resource": "arn:aws:quicksight:*:*:dashboard/*"},
    {"Sid": "Analyses", "Effect": "Allow", "Action": ["quicksight:DescribeAnalysis", "quicksight:DescribeAnalysisPermissions"], "Resource": "arn:aws:quicksight:*:*:analysis/*"},
    {"Sid": "DataSets", "Effect": "Allow", "Action": ["quicksight:DescribeDataSet", "quicksight:DescribeDataSetPermissions", "quicksight:DescribeDataSetRefreshProperties", "quicksight:ListRefreshSchedules"], "Resource": "arn:aws:quicksight:*:*:dataset/*"},
    {"Sid": "Schedules", "Effect": "Allow", "Action": "quicksight:DescribeRefreshSchedule", "Resource": "arn:aws:quicksight:*:*:dataset/*/refresh-schedule/*"},
    {"Sid": "DataSources", "Effect": "Allow", "Action": ["quicksight:DescribeDataSource", "quicksight:DescribeDataSourcePermissions"], "Resource": "arn:aws:quicksight:*:*:datasource/*"},
    {"Sid": "Themes", "Effect": "Allow", "Action": ["quicksight:DescribeTheme", "quicksight:DescribeThemePermissions"], "Resource": "arn:aws:quicksight:*:*:theme/*"},
    {"Sid": "Connections", "Effect": "Allow", "Action": ["quicksight:DescribeVPCConnection", "quicksight:ListVPCConnections"], "Resource": "arn:aws:quicksight:*:*:vpcConnection/*"},
    {"Sid": "Bundles", "Effect": "Allow", "Action": ["quicksight:DescribeAssetBundleExportJob", "quicksight:ListAssetBundleExportJobs", "quicksight:StartAssetBundleExportJob"], "Resource": "arn:aws:quicksight:*:*:asset-bundle-export-job/*"}
  ]
}`,
	},
	{
		Name: "AWSQuickSightAssetBundleImportPolicy", Path: "/", ID: "ANPAONSIGHTQSIMPORT22", Version: "v1", Created: day(2024, time.March, 27, 21, 40, 0),
		Description: "Make and change assets from imported bundles.",
		Document: `{
  "Version": "2012-10-17",
  "Statement": [
    {"Sid": "Tags", "Effect": "Allow", "Action": ["quicksight:ListTagsForResource", "quicksight:TagResource", "quicksight:UntagResource"], "Resource": "arn:aws:quicksight:*:*:*/*"},
    {"Sid": "Dashboards", "Effect": "Allow", "Action": ["quicksight:CreateDashboard", "quicksight:DeleteDashboard", "quicksight:DescribeDashboard", "quicksight:DescribeDashboardPermissions", "quicksight:UpdateDashboard", "quicksight:UpdateDashboardLinks", "quicksight:UpdateDashboardPermissions", "quicksight:UpdateDashboardPublishedVersion"], "Resource": "arn:aws:quicksight:*:*:dashboard/*"},
    {"Sid": "Analyses", "Effect": "Allow", "Action": ["quicksight:CreateAnalysis", "quicksight:DeleteAnalysis", "quicksight:DescribeAnalysis", "quicksight:DescribeAnalysisPermissions", "quicksight:UpdateAnalysis", "quicksight:UpdateAnalysisPermissions"], "Resource": "arn:aws:quicksight:*:*:analysis/*"},
    {"Sid": "DataSets", "Effect": "Allow", "Action": ["quicksight:CreateDataSet", "quicksight:DeleteDataSet", "quicksight:DeleteDataSetRefreshProperties", "quicksight:DescribeDataSet", "quicksight:DescribeDataSetPermissions", "quicksight:DescribeDataSetRefreshProperties", "quicksight:ListRefreshSchedules", "quicksight:PassDataSet", "quicksight:PutDataSetRefreshProperties", "quicksight:UpdateDataSet", "quicksight:UpdateDataSetPermissions"], "Resource": "arn:aws:quicksight:*:*:dataset/*"},
    {"Sid": "Schedules", "Effect": "Allow", "Action": ["quicksight:CreateRefreshSchedule", "quicksight:DeleteRefreshSchedule", "quicksight:DescribeRefreshSchedule", "quicksight:UpdateRefreshSchedule"], "Resource": "arn:aws:quicksight:*:*:dataset/*/refresh-schedule/*"},
    {"Sid": "DataSources", "Effect": "Allow", "Action": ["quicksight:CreateDataSource", "quicksight:DeleteDataSource", "quicksight:DescribeDataSource", "quicksight:DescribeDataSourcePermissions", "quicksight:PassDataSource", "quicksight:UpdateDataSource", "quicksight:UpdateDataSourcePermissions"], "Resource": "arn:aws:quicksight:*:*:datasource/*"},
    {"Sid": "Themes", "Effect": "Allow", "Action": ["quicksight:CreateTheme", "quicksight:DeleteTheme", "quicksight:DescribeTheme", "quicksight:DescribeThemePermissions", "quicksight:UpdateTheme", "quicksight:UpdateThemePermissions"], "Resource": "arn:aws:quicksight:*:*:theme/*"},
    {"Sid": "Connections", "Effect": "Allow", "Action": ["quicksight:CreateVPCConnection", "quicksight:DeleteVPCConnection", "quicksight:DescribeVPCConnection", "quicksight:ListVPCConnections", "quicksight:UpdateVPCConnection"], "Resource": "arn:aws:quicksight:*:*:vpcConnection/*"},
    {"Sid": "Bundles", "Effect": "Allow", "Action": ["quicksight:DescribeAssetBundleImportJob", "quicksight:ListAssetBundleImportJobs", "quicksight:StartAssetBundleImportJob"], "Resource": "arn:aws:quicksight:*:*:asset-bundle-import-job/*"}
  ]
}`,
	},
	{
		Name: "AWSQuickSightListIAM", Path: "/service-role/", ID: "ANPAONSIGHTQSLISTIAM2", Version: "v1", Created: day(2015, time.November, 10, 23, 25, 0),
		Description: "List users, groups, roles and policies.",
		Document: `{
  "Version": "2012-10-17",
  "Statement": [
    {"Effect": "Allow", "Action": "iam:List*", "Resource": "*"}
  ]
}`,
	},
	{
		Name: "AdministratorAccess", Path: "/", ID: "ANPAIWMBCKSKIEE64ZLYK", Version: "v1", Created: day(2015, time.February, 6, 18, 39, 46),
		Description: "Everything, on everything.",
		Document: `{
  "Version": "2012-10-17",
  "Statement": [
    {"Effect": "Allow", "Action": "*", "Resource": "*"}
  ]
}`,
	},
	{
		Name: "IAMFullAccess", Path: "/", ID: "ANPAI7XKCFMBPM3QQRRVQ", Version: "v2", Created: day(2015, time.February, 6, 18, 40, 38),
		Description: "Everything in IAM: users, groups, roles, policies and keys.",
		Document: `{
  "Version": "2012-10-17",
  "Statement": [
    {"Effect": "Allow", "Action": "iam:*", "Resource": "*"}
  ]
}`,
	},
	{
		Name: "IAMReadOnlyAccess", Path: "/", ID: "ANPAJKSO7NDY4T57MWDSQ", Version: "v4", Created: day(2015, time.February, 6, 18, 40, 39),
		Description: "Read access to IAM, and its policy simulator.",
		Document: `{
  "Version": "2012-10-17",
  "Statement": [
    {"Effect": "Allow", "Action": ["iam:GenerateCredentialReport", "iam:GenerateServiceLastAccessedDetails", "iam:Get*", "iam:List*", "iam:SimulateCustomPolicy", "iam:SimulatePrincipalPolicy"], "Resource": "*"}
  ]
}`,
	},
	{
		Name: "IAMUserChangePassword", Path: "/", ID: "ANPAJ4L4MM2A7QIEB56MS", Version: "v5", Created: day(2016, time.November, 15, 0, 25, 0),
		Description: "Change one's own password.",
		Document: `{
  "Version": "2012-10-17",
  "Statement": [
    {"Effect": "Allow", "Action": "iam:ChangePassword", "Resource": ["arn:aws:iam::*:user/${aws:username}", "arn:aws:iam::*:user/*/${aws:username}"]},
    {"Effect": "Allow", "Action": "iam:GetAccountPasswordPolicy", "Resource": "*"}
  ]
}`,
	},
	{
		Name: "PowerUserAccess", Path: "/", ID: "ANPAJYRXTHIB4FOVS3ZXS", Version: "v12", Created: day(2015, time.February, 6, 18, 39, 47),
		Description: "Everything but the management of people and accounts.",
		Document: `{
  "Version": "2012-10-17",
  "Statement": [
    {"Effect": "Allow", "NotAction": ["account:*", "iam:*", "organizations:*"], "Resource": "*"},
    {"Effect": "Allow", "Action": ["account:GetAccountInformation", "account:ListRegions", "iam:CreateServiceLinkedRole", "iam:DeleteServiceLinkedRole", "iam:ListRoles", "organizations:DescribeOrganization"], "Resource": "*"}
  ]
}`,
	},
	{
		Name: "ReadOnlyAccess", Path: "/", ID: "ANPAILL3HVNFSB6DCOWYQ", Version: "v1", Created: day(2015, time.February, 6, 18, 39, 48),
		Description: "Read access to everything.",
		Document: `{
  "Version": "2012-10-17",
  "Statement": [
    {"Sid": "Analytics", "Effect": "Allow", "Action": ["quicksight:Describe*", "quicksight:List*", "quicksight:Search*"], "Resource": "*"},
    {"Sid": "Access", "Effect": "Allow", "Action": ["iam:GenerateCredentialReport", "iam:GenerateServiceLastAccessedDetails", "iam:Get*", "iam:List*", "iam:SimulateCustomPolicy", "iam:SimulatePrincipalPolicy", "sts:GetAccessKeyInfo", "sts:GetCallerIdentity", "sts:GetSessionToken"], "Resource": "*"},
    {"Sid": "Events", "Effect": "Allow", "Action": ["cloudtrail:Describe*", "cloudtrail:Get*", "cloudtrail:List*", "cloudtrail:LookupEvents"], "Resource": "*"}
  ]
}`,
	},
}
