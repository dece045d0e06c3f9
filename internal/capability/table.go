package capability

// Operations that several capabilities ask for.
var (
	connectorOperations = []string{
		"CreateActionConnector", "DescribeActionConnector", "UpdateActionConnector", "DeleteActionConnector",
		"DescribeActionConnectorPermissions", "UpdateActionConnectorPermissions",
		"ListActions", "DescribeAction", "InvokeAction", "InvokeActionWithResponseStream", "GetActionInvocation", "TestActionConnector",
		"UpdateEnabledActions", "UpdateActionConnectorGuards", "DescribeActionConnectorGuards",
		"StartActionConnection", "DescribeActionConnection", "DeleteActionConnection", "ListActionCalls",
		"UpdateActionConnectorDefinition", "DescribeActionConnectorDefinition", "DeleteActionConnectorDefinition", "RefreshActionConnectorDefinition",
	}
	dataSourceOperations    = []string{"CreateDataSource", "UpdateDataSource", "DeleteDataSource", "UpdateDataSourcePermissions"}
	knowledgeBaseOperations = []string{
		"CreateKnowledgeBase", "DescribeKnowledgeBase", "UpdateKnowledgeBase", "DeleteKnowledgeBase",
		"DescribeKnowledgeBasePermissions", "UpdateKnowledgeBasePermissions",
	}
	folderOperations = []string{
		"MoveFolder",
		"CreateFolder", "DescribeFolder", "UpdateFolder", "DeleteFolder", "ListFolders", "SearchFolders", "CreateFolderMembership",
		"DeleteFolderMembership", "ListFolderMembers", "DescribeFolderPermissions", "DescribeFolderResolvedPermissions", "UpdateFolderPermissions",
	}
	dataSetChanges = []string{"CreateDataSet", "UpdateDataSet", "DeleteDataSet", "PutDataSetRefreshProperties", "DeleteDataSetRefreshProperties"}
	scheduling     = "reports by e-mail"
)

// singles are the capabilities that no family has.
var singles = []Capability{
	// Dashboards. What is exported or printed is so from analyses too, so those
	// stand alone.
	{Name: "Dashboard", Does: "see, make and change dashboards", Operations: []string{
		"CreateDashboard", "DescribeDashboard", "DescribeDashboardDefinition", "DescribeDashboardPermissions", "UpdateDashboard",
		"UpdateDashboardLinks", "UpdateDashboardPermissions", "UpdateDashboardPublishedVersion", "DeleteDashboard", "ListDashboards",
		"ListDashboardVersions", "SearchDashboards", "StartDashboardSnapshotJob", "DescribeDashboardSnapshotJob",
		"DescribeDashboardSnapshotJobResult", "StartDashboardSnapshotJobSchedule", "GetDashboardEmbedUrl",
	}},
	{Name: "ShareDashboards", Parents: []string{"Dashboard"}, Does: "share dashboards", Operations: []string{"UpdateDashboardPermissions"}},
	{Name: "CreateAndUpdateThresholdAlerts", Parents: []string{"Dashboard"}, Does: "make and change alerts", Later: "alerts"},
	{Name: "CreateAndUpdateDashboardEmailReports", Parents: []string{"Dashboard"}, Does: "make and change reports by e-mail", Later: scheduling},
	{Name: "SubscribeDashboardEmailReports", Parents: []string{"Dashboard"}, Does: "subscribe to reports by e-mail", Later: scheduling},
	{Name: "IncludeContentInScheduledReportsEmail", Parents: []string{"Dashboard"}, Does: "have the content in the e-mail of a report", Later: scheduling},
	{Name: "ExportToCsvInScheduledReports", Parents: []string{"Dashboard"}, Does: "attach CSV to reports", Later: scheduling},
	{Name: "ExportToExcelInScheduledReports", Parents: []string{"Dashboard"}, Does: "attach Excel files to reports", Later: scheduling},
	{Name: "ExportToPdfInScheduledReports", Parents: []string{"Dashboard"}, Does: "attach PDF to reports", Later: scheduling},
	{Name: "CreateDashboardExecutiveSummaryWithQ", Parents: []string{"Dashboard"}, Category: AI, Does: "have a dashboard summed up", Later: "generated summaries"},
	{Name: "ExportToCsv", Does: "export to CSV", Later: "exports in the console"},
	{Name: "ExportToExcel", Does: "export to Excel", Later: "exports in the console"},
	{Name: "ExportToPdf", Does: "export to PDF", Later: "exports in the console"},
	{Name: "PrintReports", Does: "print", Later: "printing in the console"},

	// Analyses.
	{Name: "Analysis", Does: "see, make and change analyses", Operations: []string{
		"CreateAnalysis", "DescribeAnalysis", "DescribeAnalysisDefinition", "DescribeAnalysisPermissions", "UpdateAnalysis",
		"UpdateAnalysisPermissions", "DeleteAnalysis", "RestoreAnalysis", "ListAnalyses", "SearchAnalyses",
	}},
	{Name: "ShareAnalyses", Parents: []string{"Analysis"}, Does: "share analyses", Operations: []string{"UpdateAnalysisPermissions"}},
	{Name: "AddOrRunAnomalyDetectionForAnalyses", Parents: []string{"Analysis"}, Does: "look for anomalies", Later: "detection of anomalies"},
	{Name: "GenerateAnalyses", Parents: []string{"Analysis"}, Category: AI, Does: "have analyses generated", Later: "generated analyses"},
	{Name: "EditVisualWithQ", Parents: []string{"Analysis"}, Category: AI, Does: "change visuals by asking", Later: "authoring in natural language"},
	{Name: "BuildCalculatedFieldWithQ", Parents: []string{"Analysis"}, Category: AI, Does: "build calculations by asking", Later: "authoring in natural language"},
	{Name: "CreateAndUpdateThemes", Does: "make and change themes", Operations: []string{
		"CreateTheme", "UpdateTheme", "DeleteTheme", "CreateThemeAlias", "UpdateThemeAlias", "DeleteThemeAlias",
	}},

	// Data.
	{Name: "CreateAndUpdateDatasets", Does: "make and change datasets", Operations: dataSetChanges},
	{
		Name: "CreateSPICEDataset", Parents: []string{"CreateAndUpdateDatasets"}, Does: "make datasets that are kept in SPICE",
		Operations: []string{"CreateDataSet", "UpdateDataSet"}, Sorts: []string{"SPICE"},
	},
	{Name: "ShareDatasets", Does: "share datasets", Operations: []string{"UpdateDataSetPermissions"}},
	{Name: "CreateAndUpdateDataSources", Does: "make and change data sources", Operations: []string{"CreateDataSource", "UpdateDataSource", "DeleteDataSource"}},
	{Name: "ShareDataSources", Does: "share data sources", Operations: []string{"UpdateDataSourcePermissions"}},
	{Name: "ViewAccountSPICECapacity", Does: "see how much SPICE the account uses", Later: "the console's page of SPICE"},

	// Folders.
	{Name: "ManageSharedFolders", Does: "see, make, change and share shared folders, and add to them", Operations: folderOperations},
	{Name: "CreateSharedFolders", Parents: []string{"ManageSharedFolders"}, Does: "make shared folders", Operations: []string{"CreateFolder"}},
	{Name: "RenameSharedFolders", Parents: []string{"ManageSharedFolders"}, Does: "rename shared folders", Operations: []string{"UpdateFolder"}},

	// What other families stand under.
	{Name: "Action", Category: AI, Does: "use connectors to other services at all", Operations: append([]string{"ListActionConnectors", "SearchActionConnectors"}, connectorOperations...)},
	{
		Name: "KnowledgeBase", Category: AI, Does: "use knowledge bases at all",
		Operations: append([]string{"ListKnowledgeBases", "SearchKnowledgeBases", "BatchDeleteKnowledgeBase"}, knowledgeBaseOperations...),
	},
	{
		Name: "CreateAndUpdateKnowledgeBases", Parents: []string{"KnowledgeBase"}, Category: AI, Does: "make and change knowledge bases",
		Operations: []string{"CreateKnowledgeBase", "UpdateKnowledgeBase", "DeleteKnowledgeBase", "BatchDeleteKnowledgeBase"},
	},
	{Name: "ShareKnowledgeBases", Parents: []string{"KnowledgeBase"}, Category: AI, Does: "share knowledge bases", Operations: []string{"UpdateKnowledgeBasePermissions"}},

	// Agents, flows and what else there is beside analytics.
	{Name: "ChatAgent", Category: AI, Does: "chat with agents", Operations: []string{
		"CreateAgent", "DescribeAgent", "DescribeAgentPermissions", "UpdateAgent", "UpdateAgentPermissions", "DeleteAgent", "ListAgents", "SearchAgents",
	}},
	{Name: "CreateChatAgents", Parents: []string{"ChatAgent"}, Category: AI, Does: "make agents", Operations: []string{"CreateAgent"}},
	{Name: "ShareChatAgents", Parents: []string{"ChatAgent"}, Category: AI, Does: "share agents", Operations: []string{"UpdateAgentPermissions"}},
	{Name: "Space", Category: AI, Does: "see, make and change spaces", Operations: []string{
		"CreateSpace", "DescribeSpace", "DescribeSpacePermissions", "UpdateSpace", "UpdateSpacePermissions", "UpdateSpaceResources", "DeleteSpace",
		"ListSpaces", "ListSpaceResources", "SearchSpaces",
	}},
	{Name: "CreateSpaces", Parents: []string{"Space"}, Category: AI, Does: "make spaces", Operations: []string{"CreateSpace"}},
	{Name: "ShareSpaces", Parents: []string{"Space"}, Category: AI, Does: "share spaces", Operations: []string{"UpdateSpacePermissions"}},
	{Name: "Topic", Category: AI, Does: "see, make and change topics", Operations: []string{
		"CreateTopic", "DescribeTopic", "DescribeTopicPermissions", "UpdateTopic", "UpdateTopicPermissions", "DeleteTopic", "ListTopics", "SearchTopics",
		"CreateTopicV2", "DescribeTopicV2", "DescribeTopicPermissionsV2", "UpdateTopicV2", "UpdateTopicPermissionsV2", "DeleteTopicV2", "ListTopicsV2",
		"SearchTopicsV2", "CreateTopicRefreshSchedule", "DescribeTopicRefreshSchedule", "UpdateTopicRefreshSchedule", "DeleteTopicRefreshSchedule",
		"ListTopicRefreshSchedules", "DescribeTopicRefresh", "BatchCreateTopicReviewedAnswer", "BatchDeleteTopicReviewedAnswer", "ListTopicReviewedAnswers",
	}},
	{Name: "Flow", Category: AI, Does: "see, make and run flows", Operations: []string{
		"CreateFlow", "DescribeFlow", "UpdateFlow", "UpdateFlowPermissions", "DeleteFlow", "ListFlows", "SearchFlows", "GetFlowMetadata", "GetFlowPermissions",
	}},
	{Name: "PublishWithoutApproval", Parents: []string{"Flow"}, Category: AI, Does: "publish flows without approval", Later: "approval of flows"},
	{Name: "ApproveFlowShareRequests", Parents: []string{"Flow"}, Category: AI, Does: "approve requests to share flows", Later: "approval of flows"},
	{Name: "UseBedrockModels", Parents: []string{"Flow"}, Category: AI, Does: "ask models in flows", Later: "steps of flows"},
	{Name: "PerformFlowUiTask", Parents: []string{"Flow"}, Category: AI, Does: "have flows use web sites", Later: "steps of flows"},
	{Name: "UseAgentWebSearch", Category: AI, Does: "search the web in chats, flows and research", Later: "web search"},
	{Name: "Automate", Category: AI, Does: "make and run automations", Operations: []string{"StartAutomationJob", "DescribeAutomationJob"}},
	{Name: "Apps", Category: AI, Does: "see, make and use apps", Later: "apps"},
	{Name: "CreateAndUpdateApps", Parents: []string{"Apps"}, Category: AI, Does: "make and change apps", Later: "apps"},
	{Name: "ShareApps", Parents: []string{"Apps"}, Category: AI, Does: "share apps", Later: "apps"},
	{Name: "InvokeAppsAIInference", Parents: []string{"Apps"}, Category: AI, Does: "have apps ask models", Later: "apps"},
	{Name: "AccessAppsNativeDataStore", Parents: []string{"Apps"}, Category: AI, Does: "keep data in apps", Later: "apps"},
	{Name: "Research", Category: AI, Does: "have research done", Later: "research"},
	{Name: "Story", Category: AI, Does: "make and see stories", Later: "stories"},
	{Name: "Scenario", Category: AI, Does: "make and see scenarios", Later: "scenarios"},
	{Name: "Trigger", Does: "set what starts flows and automations", Later: "triggers"},
	{Name: "ScheduleTrigger", Parents: []string{"Trigger"}, Does: "start by schedule", Later: "triggers"},
	{Name: "InboundEmailTrigger", Parents: []string{"Trigger"}, Does: "start by e-mail that comes in", Later: "triggers"},
	{Name: "QuickEventTrigger", Parents: []string{"Trigger"}, Does: "start by events of the service", Later: "triggers"},
	{Name: "Extension", Category: AI, Does: "use the service inside other programs", Later: "extensions"},
	{Name: "UseBrowserExtension", Parents: []string{"Extension"}, Category: AI, Does: "use the service inside a browser", Later: "extensions"},
	{Name: "UseWordAddInExtension", Parents: []string{"Extension"}, Category: AI, Does: "use the service inside Word", Later: "extensions"},
	{Name: "UseOutlookAddInExtension", Parents: []string{"Extension"}, Category: AI, Does: "use the service inside Outlook", Later: "extensions"},
	{Name: "UseExcelAddInExtension", Parents: []string{"Extension"}, Category: AI, Does: "use the service inside Excel", Later: "extensions"},
	{Name: "UsePowerpointAddInExtension", Parents: []string{"Extension"}, Category: AI, Does: "use the service inside PowerPoint", Later: "extensions"},

	// People.
	{Name: "SelfUpgradeUserRole", Does: "ask for a higher role", Operations: []string{"RequestSelfUpgrade"}},
}

// A member of a family of capabilities: the part of their names that is its
// own, what it is called, and its types in the API, if it has any.
type member struct {
	stem, title string
	types       []string
}

// connectors are what Action stands above.
var connectors = []member{
	{"GenericHTTP", "REST API", []string{"GENERIC_HTTP"}},
	{"ServiceNow", "ServiceNow", []string{"SERVICENOW_NOW_PLATFORM"}},
	{"Salesforce", "Salesforce", []string{"SALESFORCE_CRM"}},
	{"MSExchange", "Microsoft Outlook", []string{"MICROSOFT_OUTLOOK"}},
	{"PagerDuty", "PagerDuty Advance", []string{"PAGERDUTY_ADVANCE"}},
	{"Jira", "Jira", []string{"JIRA_CLOUD"}},
	{"Confluence", "Confluence", []string{"ATLASSIAN_CONFLUENCE"}},
	{"AmazonSThree", "Amazon S3", []string{"AMAZON_S3"}},
	{"AmazonBedrockARS", "Amazon Bedrock agents", []string{"AMAZON_BEDROCK_AGENT_RUNTIME"}},
	{"AmazonBedrockFS", "Amazon Bedrock runtime", []string{"AMAZON_BEDROCK_RUNTIME"}},
	{"AmazonBedrockKRS", "Amazon Bedrock data automation", []string{"AMAZON_BEDROCK_DATA_AUTOMATION_RUNTIME"}},
	{"Textract", "Amazon Textract", []string{"AMAZON_TEXTRACT"}},
	{"Comprehend", "Amazon Comprehend", []string{"AMAZON_COMPREHEND"}},
	{"ComprehendMedical", "Amazon Comprehend Medical", []string{"AMAZON_COMPREHEND_MEDICAL"}},
	{"OneDrive", "Microsoft OneDrive", []string{"MICROSOFT_ONEDRIVE"}},
	{"SharePoint", "Microsoft SharePoint", []string{"MICROSOFT_SHAREPOINT"}},
	{"MSTeams", "Microsoft Teams", []string{"MICROSOFT_TEAMS"}},
	{"SAPBusinessPartner", "SAP business partners", []string{"SAP_BUSINESSPARTNER"}},
	{"SAPProductMasterData", "SAP product master data", []string{"SAP_PRODUCTMASTERDATA"}},
	{"SAPPhysicalInventory", "SAP physical inventory", []string{"SAP_PHYSICALINVENTORY"}},
	{"SAPBillOfMaterial", "SAP bills of material", []string{"SAP_BILLOFMATERIALS"}},
	{"SAPMaterialStock", "SAP material stock", []string{"SAP_MATERIALSTOCK"}},
	{"Zendesk", "Zendesk", []string{"ZENDESK_SUITE"}},
	{"Smartsheet", "Smartsheet", []string{"SMARTSHEET"}},
	{"Slack", "Slack", []string{"SLACK"}},
	{"Asana", "Asana", []string{"ASANA"}},
	{"BambooHR", "BambooHR", []string{"BAMBOO_HR"}},
	{"MCP", "Model Context Protocol", nil},
	{"OpenAPI", "OpenAPI", nil},
	{"Adobe", "Adobe Marketing Agent", nil},
	{"Airtable", "Airtable", nil},
	{"Bee", "Bee", nil},
	{"BoxAgent", "Box", nil},
	{"CanvaAgent", "Canva", nil},
	{"CiscoWebexMeetings", "Cisco Webex Meetings", nil},
	{"CiscoWebexVidcast", "Cisco Webex Vidcast", nil},
	{"Dropbox", "Dropbox", nil},
	{"DunAndBradstreet", "Dun & Bradstreet", nil},
	{"FactSet", "FactSet", nil},
	{"Figma", "Figma", nil},
	{"Github", "GitHub", nil},
	{"Gmail", "Gmail", nil},
	{"Gong", "Gong", nil},
	{"GoogleAnalytics", "Google Analytics", nil},
	{"GoogleCalendar", "Google Calendar", nil},
	{"GoogleChat", "Google Chat", nil},
	{"GoogleDocs", "Google Docs", nil},
	{"GoogleDrive", "Google Drive", nil},
	{"GoogleMeet", "Google Meet", nil},
	{"GoogleSheets", "Google Sheets", nil},
	{"GoogleSlides", "Google Slides", nil},
	{"HGInsights", "HG Insights", nil},
	{"Hubspot", "HubSpot", nil},
	{"HuggingFace", "Hugging Face", nil},
	{"Intercom", "Intercom", nil},
	{"Linear", "Linear", nil},
	{"Monday", "Monday", nil},
	{"Moodys", "Moody's", nil},
	{"NewRelic", "New Relic", nil},
	{"Notion", "Notion", nil},
	{"OneNote", "Microsoft OneNote", nil},
	{"PagerDutyAgent", "PagerDuty Agent", nil},
	{"QuickBooks", "QuickBooks", nil},
	{"SandPGMI", "S&P Global Market Intelligence", nil},
	{"SandPGlobalEnergy", "S&P Global Energy", nil},
	{"Shopify", "Shopify", nil},
	{"SnowFlake", "Snowflake Cortex", nil},
	{"VisierAgent", "Visier", nil},
	{"WhatsApp", "WhatsApp", nil},
	{"Zapier", "Zapier", nil},
	{"Zoom", "Zoom", nil},
	{"ZoomInfo", "ZoomInfo", nil},
}

// dataSources are the sources of data.
var dataSources = []member{
	{"AdobeAnalytics", "Adobe Analytics", []string{"ADOBE_ANALYTICS"}},
	{"Athena", "Amazon Athena", []string{"ATHENA"}},
	{"Aurora", "Amazon Aurora", []string{"AURORA", "AURORA_POSTGRESQL"}},
	{"Databricks", "Databricks", []string{"DATABRICKS"}},
	{"Db2", "Db2", nil},
	{"Denodo", "Denodo", nil},
	{"DocumentDb", "Amazon DocumentDB", nil},
	{"Dremio", "Dremio", nil},
	{"DynamoDb", "Amazon DynamoDB", nil},
	{"Exasol", "Exasol", []string{"EXASOL"}},
	{"File", "files", nil},
	{"GitHub", "GitHub", []string{"GITHUB"}},
	{"GoogleAnalytics", "Google Analytics", nil},
	{"GoogleBigQuery", "Google BigQuery", []string{"BIGQUERY"}},
	{"GoogleSheets", "Google Sheets", []string{"GOOGLESHEETS"}},
	{"Impala", "Impala", nil},
	{"Jira", "Jira", []string{"JIRA"}},
	{"MariaDb", "MariaDB", []string{"MARIADB"}},
	{"MongoAtlas", "MongoDB Atlas", nil},
	{"MongoDb", "MongoDB", nil},
	{"MySql", "MySQL", []string{"MYSQL"}},
	{"OpenSearch", "Amazon OpenSearch", []string{"AMAZON_OPENSEARCH", "AMAZON_ELASTICSEARCH"}},
	{"Oracle", "Oracle", []string{"ORACLE"}},
	{"PayPal", "PayPal", nil},
	{"PostgreSql", "PostgreSQL", []string{"POSTGRESQL"}},
	{"Presto", "Presto", []string{"PRESTO"}},
	{"Radiant", "Radiant", nil},
	{"Rds", "Amazon RDS", nil},
	{"RedshiftAutoDiscovered", "Amazon Redshift, found by itself", nil},
	{"RedshiftManual", "Amazon Redshift", []string{"REDSHIFT"}},
	{"S3", "Amazon S3", []string{"S3"}},
	{"S3Analytics", "Amazon S3 analytics", nil},
	{"S3Tables", "Amazon S3 Tables", []string{"S3_TABLES"}},
	{"Salesforce", "Salesforce", []string{"SALESFORCE"}},
	{"SapHana", "SAP HANA", nil},
	{"ServiceNow", "ServiceNow", []string{"SERVICENOW"}},
	{"Snowflake", "Snowflake", []string{"SNOWFLAKE"}},
	{"Spark", "Spark", []string{"SPARK"}},
	{"SqlServer", "SQL Server", []string{"SQLSERVER"}},
	{"Square", "Square", nil},
	{"Starburst", "Starburst", []string{"STARBURST"}},
	{"Teradata", "Teradata", []string{"TERADATA"}},
	{"Timestream", "Amazon Timestream", []string{"TIMESTREAM"}},
	{"Trino", "Trino", []string{"TRINO"}},
	{"Twitter", "Twitter", []string{"TWITTER"}},
}

// knowledgeBases are what KnowledgeBase stands above.
var knowledgeBases = []member{
	{"SharePoint", "Microsoft SharePoint", []string{"SHAREPOINT"}},
	{"GoogleDrive", "Google Drive", []string{"GOOGLE_DRIVE"}},
	{"WebCrawler", "web pages", []string{"WEB_CRAWLER"}},
	{"S3", "Amazon S3", []string{"S3_KNOWLEDGE_BASE"}},
	{"Confluence", "Confluence", []string{"CONFLUENCE"}},
	{"OneDrive", "Microsoft OneDrive", []string{"ONE_DRIVE"}},
	{"QBusiness", "Amazon Q Business", []string{"QBUSINESS"}},
	{"BedrockManaged", "Amazon Bedrock", nil},
	{"Box", "Box", nil},
	{"IDC", "IAM Identity Center", nil},
}

// Table is every capability of the API's model, singly.
func Table() []Capability {
	all := append([]Capability(nil), singles...)
	add := func(m member, later string, c Capability) {
		c.Sorts = m.types
		if c.Sorts == nil { // the API makes none of this type
			c.Operations, c.Later = nil, later
		}
		all = append(all, c)
	}
	for _, m := range connectors {
		name, later := m.stem+"Action", "connectors to "+m.title
		below := []string{name}
		add(m, later, Capability{Name: name, Parents: []string{"Action"}, Category: AI, Does: "use connectors to " + m.title + " at all", Operations: connectorOperations})
		add(m, later, Capability{
			Name: "CreateAndUpdate" + name, Parents: below, Category: AI, Does: "make and change connectors to " + m.title,
			Operations: []string{
				"CreateActionConnector", "UpdateActionConnector", "DeleteActionConnector", "UpdateEnabledActions", "UpdateActionConnectorGuards",
				"UpdateActionConnectorDefinition", "DeleteActionConnectorDefinition", "RefreshActionConnectorDefinition",
			},
		})
		add(m, later, Capability{Name: "Share" + name, Parents: below, Category: AI, Does: "share connectors to " + m.title, Operations: []string{"UpdateActionConnectorPermissions"}})
		add(m, later, Capability{
			Name: "Use" + name, Parents: below, Category: AI, Does: "run the actions of connectors to " + m.title,
			Operations: []string{"InvokeAction", "InvokeActionWithResponseStream", "StartActionConnection"},
		})
	}
	for _, m := range knowledgeBases {
		name, later := m.stem+"KnowledgeBase", "knowledge bases of "+m.title
		add(m, later, Capability{Name: name, Parents: []string{"KnowledgeBase"}, Category: AI, Does: "use knowledge bases of " + m.title + " at all", Operations: knowledgeBaseOperations})
		add(m, later, Capability{
			Name: "CreateAndUpdate" + name, Parents: []string{name, "CreateAndUpdateKnowledgeBases"}, Category: AI, Does: "make and change knowledge bases of " + m.title,
			Operations: []string{"CreateKnowledgeBase", "UpdateKnowledgeBase", "DeleteKnowledgeBase"},
		})
		add(m, later, Capability{
			Name: "Share" + name, Parents: []string{name, "ShareKnowledgeBases"}, Category: AI, Does: "share knowledge bases of " + m.title,
			Operations: []string{"UpdateKnowledgeBasePermissions"},
		})
		all = append(all, Capability{Name: "Use" + name, Parents: []string{name}, Category: AI, Does: "ask knowledge bases of " + m.title, Later: "asking knowledge bases"})
	}
	for _, m := range dataSources {
		name, later := m.stem+"DataSource", "data sources of "+m.title
		add(m, later, Capability{Name: name, Does: "make, change and share data sources of " + m.title, Operations: dataSourceOperations})
		add(m, later, Capability{Name: "Create" + name, Parents: []string{name, "CreateAndUpdateDataSources"}, Does: "make data sources of " + m.title, Operations: []string{"CreateDataSource"}})
		add(m, later, Capability{
			Name: "Update" + name, Parents: []string{name, "CreateAndUpdateDataSources"}, Does: "change data sources of " + m.title,
			Operations: []string{"UpdateDataSource", "DeleteDataSource"},
		})
		add(m, later, Capability{Name: "Share" + name, Parents: []string{name, "ShareDataSources"}, Does: "share data sources of " + m.title, Operations: []string{"UpdateDataSourcePermissions"}})
	}
	return all
}
