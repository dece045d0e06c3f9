package connector

import (
	"slices"
	"strings"

	"onsight/internal/qs"
)

// actionsOf gives the ids of the actions that connectors of a type offer,
// sorted. The ids of AWS services are the names of their operations; the others
// are the labels of the user guide, where it has them.
func actionsOf(t qs.ActionConnectorType) []string { return slices.Clone(actions[t]) }

func words(lists ...string) []string {
	all := strings.Fields(strings.Join(lists, " "))
	slices.Sort(all)
	return all
}

// The Excel actions that OneDrive and SharePoint share.
const workbook = `ListSheets AddSheet ReadSheet UpdateSheet DeleteSheet ReadCell WriteCell
	ReadRange WriteRange ClearRange DeleteRange GetUsedRange`

var actions = map[qs.ActionConnectorType][]string{
	qs.ActionConnectorTypeGenericHTTP: words(`HttpGet HttpPost HttpPut HttpPatch HttpDelete`),
	qs.ActionConnectorTypeServicenowNowPlatform: words(
		`ListIncidents CreateIncident ViewIncident UpdateIncident DeleteIncident`,
		`ListProblems CreateProblem ViewProblem UpdateProblem DeleteProblem`,
		`ListChangeRequests CreateChangeRequest ViewChangeRequest UpdateChangeRequest DeleteChangeRequest`,
		`CreateKnowledgeBaseArticle UpdateKnowledgeBaseArticle DeleteKnowledgeBaseArticle`,
		`RetrieveAttachmentsMetadata RetrieveAttachmentMetadata RetrieveAttachmentContent DeleteAttachment`,
		`UploadBinaryAttachment UploadMultipartFormAttachment ListUsers ListChoices`),
	qs.ActionConnectorTypeSalesforceCRM: words(
		`CreateAccount GetAccount UpdateAccount DeleteAccount ListAccounts`,
		`CreateContact GetContact UpdateContact DeleteContact ListContacts`,
		`CreateLead GetLead UpdateLead DeleteLead ListLeads`,
		`CreateOpportunity GetOpportunity UpdateOpportunity DeleteOpportunity ListOpportunities`,
		`CreateCase GetCase UpdateCase DeleteCase ListCases`,
		`CreateTask GetTask UpdateTask DeleteTask ListTasks`,
		`Query Search ListObjects DescribeObject GetRecord CreateRecord UpdateRecord DeleteRecord UpsertRecord`,
		`ExecuteApexRest ListReports RunReport`),
	qs.ActionConnectorTypeMicrosoftOutlook: words(
		`ListUserMails ListFolderMessages ViewEmail SendUserEmail ReplyToEmail ForwardUserEmail UpdateEmail DeleteEmail MoveEmailToFolder`,
		`ListEmailAttachments GetAttachment ListCalendarEvents ListCalendarView CreateCalendarEvent UpdateCalendarEvent DeleteCalendarEvent`,
		`FindMeetingTimes ListContacts ListUsers GetMailboxSettings ListPlaces`),
	qs.ActionConnectorTypePagerdutyAdvance: words(
		`ListIncidents GetIncident CreateIncident UpdateIncident AddIncidentNote ListOnCalls ListSchedules ListServices`),
	qs.ActionConnectorTypeJiraCloud: words(
		`CreateIssue GetIssue EditIssue DeleteIssue SearchIssues ChangeIssueStatus`,
		`AddComment GetComments UpdateComment DeleteComment AddAttachment GetAttachmentContent`,
		`GetIssueTypesForProject GetPriorities GetAllLabels SearchStatuses FindUsers GetAllUsers`,
		`CreateProject GetProject SearchProjects UpdateProject DeleteProject`,
		`CreateSprint GetSprint UpdateSprint DeleteSprint MoveIssuesToSprintAndRank MoveIssuesToBacklog`),
	qs.ActionConnectorTypeAtlassianConfluence: words(`CreatePage GetPages Search UpdatePage`),
	qs.ActionConnectorTypeAmazonS3: words(
		`ListBuckets CreateBucket DeleteBucket HeadBucket GetBucketLocation ListObjectsV2 GetObject HeadObject PutObject`,
		`CopyObject DeleteObject DeleteObjects GetObjectTagging PutObjectTagging`),
	qs.ActionConnectorTypeAmazonBedrockAgentRuntime: words(
		`InvokeAgent InvokeFlow Retrieve RetrieveAndGenerate Rerank GenerateQuery GetAgentMemory DeleteAgentMemory`),
	qs.ActionConnectorTypeAmazonBedrockRuntime: words(
		`InvokeModel Converse ApplyGuardrail CountTokens StartAsyncInvoke GetAsyncInvoke ListAsyncInvokes`),
	qs.ActionConnectorTypeAmazonBedrockDataAutomationRuntime: words(
		`InvokeDataAutomation InvokeDataAutomationAsync GetDataAutomationStatus`),
	qs.ActionConnectorTypeAmazonTextract: words(
		`DetectDocumentText AnalyzeDocument AnalyzeExpense AnalyzeID StartDocumentTextDetection GetDocumentTextDetection`,
		`StartDocumentAnalysis GetDocumentAnalysis StartExpenseAnalysis GetExpenseAnalysis`,
		`StartLendingAnalysis GetLendingAnalysis GetLendingAnalysisSummary ListAdapters`),
	qs.ActionConnectorTypeAmazonComprehend: words(
		`DetectSentiment DetectEntities DetectKeyPhrases DetectPiiEntities ContainsPiiEntities DetectSyntax DetectTargetedSentiment`,
		`DetectDominantLanguage DetectToxicContent ClassifyDocument BatchDetectDominantLanguage BatchDetectEntities`,
		`BatchDetectKeyPhrases BatchDetectSentiment BatchDetectSyntax BatchDetectTargetedSentiment ListEndpoints`),
	qs.ActionConnectorTypeAmazonComprehendMedical: words(
		`DetectEntitiesV2 DetectPHI InferICD10CM InferRxNorm InferSNOMEDCT`,
		`StartEntitiesDetectionV2Job DescribeEntitiesDetectionV2Job ListEntitiesDetectionV2Jobs StopEntitiesDetectionV2Job`,
		`StartPHIDetectionJob DescribePHIDetectionJob ListPHIDetectionJobs StopPHIDetectionJob`,
		`StartICD10CMInferenceJob DescribeICD10CMInferenceJob ListICD10CMInferenceJobs StopICD10CMInferenceJob`,
		`StartRxNormInferenceJob DescribeRxNormInferenceJob ListRxNormInferenceJobs StopRxNormInferenceJob`,
		`StartSNOMEDCTInferenceJob DescribeSNOMEDCTInferenceJob ListSNOMEDCTInferenceJobs StopSNOMEDCTInferenceJob`),
	qs.ActionConnectorTypeMicrosoftOnedrive: words(
		`GetDrive ListItem GetItem ListChildFolders CreateFolder UpdateItem DeleteItem CopyItem AddPermissions UploadFile`, workbook),
	qs.ActionConnectorTypeMicrosoftSharepoint: words(
		`ViewItems GetItem GetList UpdateItem DeleteItem UploadFile SearchSiteDriveItems`, workbook),
	qs.ActionConnectorTypeMicrosoftTeams: words(
		`ListChats CreateChat SendChatMessage ListTeams ListTeamMembers AddTeamMember`,
		`ListChannels CreateChannel ListChannelMessages SendChannelMessage ListChannelMembers AddChannelMember`,
		`ListUsers ListOnlineMeetings CreateOnlineMeeting ListMeetingTranscripts ListCalendarEvents CreateCalendarEvent`),
	qs.ActionConnectorTypeSAPBusinesspartner: words(
		`getBusinessPartner getBusinessPartnerAddress getBusinessPartnerRole getBusinessPartnerByID getBusinessPartnerRoleByID`),
	qs.ActionConnectorTypeSAPProductmasterdata: words(`getProductMaster getPlantDataByMaterial getSupplyPlanningDataByMaterial`),
	qs.ActionConnectorTypeSAPPhysicalinventory: words(`getPhysInventoryDocItem`),
	qs.ActionConnectorTypeSAPBillofmaterials:   words(`getMaterialBOMItem`),
	qs.ActionConnectorTypeSAPMaterialstock:     words(`getMaterialStockInAccount`),
	qs.ActionConnectorTypeZendeskSuite:         words(`CreateTicket ShowTicket UpdateTicket ListTickets ListSearchResults`),
	qs.ActionConnectorTypeSmartsheet:           words(`ListSearch ListSheets GetSheet ListReports ViewReport`),
	qs.ActionConnectorTypeSlack: words(
		`ChatPostMessage SendMeMessage GetMessagePermalink ConversationsCreate ConversationsHistory ConversationsReplies`,
		`ConversationsInvite ConversationsJoin ConversationsKick ConversationsLeave ConversationsMembers ConversationsOpen`,
		`ConversationsSetTopic GetConversation ListChannels ListConversationsForUser CreateReaction DeleteReaction ListReactions`,
		`UploadOrCreateFile UploadToURLExternal DownloadFile FilesInfo FilesList SearchAll SearchMessages SearchContext`,
		`SearchChannels SearchUsers GetSearchConfiguration GetUserDetails GetUserProfile UsersProfileSet UsersList`,
		`UserGroupsCreate UserGroupsList UserGroupsUsersUpdate RemindersAdd GetTeam`),
	qs.ActionConnectorTypeAsana: words(
		`CreateTask UpdateTask GetTask ListTasks SearchTasks Typeahead ListWorkspaces ListProjects GetProject ListProjectTemplates`,
		`ListTaskStories ListUsers GetUser`),
	qs.ActionConnectorTypeBambooHr: words(
		`GetEmployee GetEmployeeDirectory AddEmployee UpdateEmployee ListTimeOffRequests CreateTimeOffRequest`,
		`ChangeTimeOffRequestStatus EstimateTimeOffBalance GetWhosOut ListTimeOffTypes ListFields ListUsers GetReport`,
		`GetCompanyInformation`),
}
